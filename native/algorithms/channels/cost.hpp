// What a call costs: products with taps within the input alone, and what a position takes beside
// them. With channels first, transposing what is read and written.
#pragma once

#include <algorithm>
#include <cmath>

#include "algorithms/channels/stamping.hpp"
#include "heuristics/cache.hpp"
#include "heuristics/costs.hpp"

namespace tconv::TCONV_TARGET::channels {

// Operations a position beside its products: finding it, sums of dots, storing.
template <class T>
double beside_products(const ColumnLayout<T>& layout, const NBlock& block) {
    const bool scattered = block.channels % Lanes<T>::count && !layout.staged;
    const double count = static_cast<double>(block.count);
    if (block.dots) return position_cost + dot_column_cost * count;
    if (scattered) return position_cost + scattered_column_cost * count;
    return position_cost + stored_vector_cost * static_cast<double>(block.vectors);
}

// Adds what an N-block costs an image and group. `far` where no cache holds the weights.
template <class T>
void add_cost(const ColumnLayout<T>& layout, const NBlock& block, const Shape& shape, bool far,
              Cost& cost) {
    double positions = 1, products = static_cast<double>(block.tap_weights / Lanes<T>::count);
    double alike = static_cast<double>(shape.batch);  // positions of the same taps
    for (int a = 0; a < 3; ++a) {
        const PositionRange range = positions_of(layout.layer, block, shape, a);
        const std::vector<int64_t>& offsets = block.axes[a]->offsets;
        double held = 0;  // pairs of a position and a tap within the input
        for (const int64_t offset : offsets)
            held += static_cast<double>(max(
                min(range.end, shape.input[a] + offset) - max(range.start, offset), 0));
        products *= held;
        const int64_t reach = offsets.back() - offsets.front();
        positions *= static_cast<double>(range.count());
        alike *= static_cast<double>(range.count()) /
                 static_cast<double>(max(1, min(range.count(), 2 * reach + 1)));
    }
    cost.products += products;
    if (far && alike < few_alike && !stamps(layout, block, shape))
        cost.others += far_weight_cost * products * (1 / std::max(alike, 1.0) - 1 / few_alike);
    cost.others += positions * beside_products(layout, block);
}

template <class T>
Cost estimate_columns(const ColumnLayout<T>& layout, const Shape& shape, int threads) {
    constexpr int64_t lanes = Lanes<T>::count;
    const Layer& layer = layout.layer;
    const int64_t weights = layer.groups * layout.weights;
    const bool far = weights * int64_t(sizeof(T)) > uncached_weights;
    Cost cost;
    for (const NBlock& block : layout.blocks) add_cost(layout, block, shape, far, cost);
    const double images = static_cast<double>(shape.batch * layer.groups);
    cost.products *= images;
    cost.others *= images;
    if (far && stamps(layout, layout.blocks[0], shape)) {
        const double vectors = static_cast<double>(weights / lanes);
        cost.others += std::hypot(cost.products, stamped_weight_cost * vectors) - cost.products;
    }
    const double moved = bytes_moved<T>(layer, shape) / sizeof(T);
    if (layer.layout == Layout::channels_first)
        cost.others += transposed_vector_cost * moved / lanes;
    cost.packing = packing_cost * static_cast<double>(weights);
    const int64_t tiles = plan_tiles(layout, shape, threads).count();
    cost.tasks = tiles * layer.groups;
    cost.bytes = (moved + reread_weights * static_cast<double>(weights) *
                              static_cast<double>(tiles)) * sizeof(T);
    return cost;
}

}  // namespace tconv::TCONV_TARGET::channels
