// Winograd's algorithm with lanes along positions, all axes at once: every phase of a phase group is
// computed from the same transformed tiles of the input, so that a product has the rows of all of
// them. This is the recipe: transforms, blocks, and what a call costs.
#pragma once


#include "algorithms/winograd/axis.hpp"
#include "gemm/tile_kernel.hpp"
#include "heuristics/costs.hpp"
#include "heuristics/winograd.hpp"
#include "problem/phase_groups.hpp"
#include "problem/range.hpp"
#include "registry.hpp"

namespace tconv::TCONV_TARGET::winograd::position_lanes {

// How a call's tiles, in the order (image, z, y, x), are cut into blocks of whole vectors.
struct TilePlan {
    int64_t first[3], count[3];  // positions
    int64_t tiles[3], all;
    int64_t vectors, blocks;
    bool whole;  // whether every output is computed from some input
};

// Neighbouring tiles of one row, and where they lie in the block.
struct TileRow {
    int64_t image, z, y, x, tiles, at;
};

struct TileBlock {
    TileRow* rows;
    int64_t count;
    int64_t width, plane;  // tiles; cells of the vectors that hold them
    int64_t step;          // from a point of the transformed input to the next
};

template <class T>
struct WinogradRecipe final : Recipe<T> {
    static constexpr int64_t lanes = Lanes<T>::count;

    explicit WinogradRecipe(const Layer& layer) : phases(layer), epilogue(layer) {
        for (int a = 0; a < 3; ++a) {
            axes[a] = AxisTiling<T>::of(phases.axes[a]);
            points *= axes[a].points;
            // every axis about doubles the rounding errors of the products
            if (axes[a].m > 1) kc /= 2;
        }
        for (int64_t g = 0; g < count_of(phases.all); ++g) groups.push_back({phases, g, axes});
        for (int64_t g = 0; g < count_of(groups); g += row_groups()) {
            int64_t products = 0;
            for (int64_t x = 0; x < row_groups(); ++x) {
                const GroupTransform<T>& group = groups[static_cast<size_t>(g + x)];
                products += group.points * group.phase_group->phases;
                filters += group.filters * group.phase_group->phases;
                most_points = max(most_points, group.points);
            }
            most_products = max(most_products, products);
        }
        const int64_t fits = product_bytes / (most_products * 3 * lanes * int64_t(sizeof(T)));
        const int64_t blocks = ceil_div(phases.out, max(1, fits));
        block_channels = ceil_div(phases.out, blocks);
        channel_blocks = ceil_div(phases.out, block_channels);
        last_phases = phases.axes[2].phases();
    }

    static const char* unsupported_reason(const Layer& layer) {
        if (layer.layout != Layout::channels_first)
            return "its lanes lie along positions, channels first";
        bool some = false;
        for (const Axis& axis : layer.axes) {
            const AxisTiling<T> tiling = AxisTiling<T>::of(axis_groups_of(axis));
            if (tiling.groups.empty())
                return "a phase has more than three taps an axis, or distant ones";
            some = some || tiling.m > 1;
        }
        return some ? nullptr : "no phase has two neighbouring taps";
    }

    Cost estimate(const Shape& shape, int) const override {
        const TilePlan plan = tile_plan(shape);
        const auto number = [](int64_t v) { return static_cast<double>(v); };
        const double all_groups = number(phases.layer.groups);
        const double in = number(phases.in) * all_groups, out = number(phases.out) * all_groups;
        const double vectors = number(plan.vectors);
        // a row of tiles is transformed in whole vectors, and cut where a block ends
        const double rows = number(shape.batch * plan.tiles[0] * plan.tiles[1]);
        const double row_vectors =
            rows * number(ceil_div(plan.tiles[2], lanes)) + number(plan.blocks);
        double products = 0, written = 0, transformed = 0;
        for (int a = 0; a < 3; ++a) transformed += axes[a].m > 1;
        for (const GroupTransform<T>& group : groups) {
            const double count = number(group.phase_group->phases);
            products += count * number(group.points);
            written += count * number(axes[0].m * axes[1].m * axes[2].m);
        }
        const double outputs = output_cost * products + write_cost * written;
        const double inputs =
            row_cost * number(axes[0].cells * axes[1].cells * (axes[2].points + 2)) +
            input_cost * number(points);
        const double kc_blocks = number(ceil_div(phases.in, kc));
        const double weights = number(filters * phases.in * phases.out) * all_groups;
        Cost c;
        c.products = vectors * products * out * number(phases.in);
        c.others = vectors * out * (products * 2 * (kc_blocks + 1) + outputs) +
                   row_vectors * in * inputs +
                   product_cost * transformed * transformed * c.products;
        c.bytes = bytes_moved<T>(phases.layer, shape) +
                  weights * sizeof(T) * number(plan.blocks) *
                      (weights * sizeof(T) > cached_weights ? 1 : 0.1);
        c.packing = packing_cost * weights;
        c.tasks = max(1, plan.blocks * phases.layer.groups);
        return c;
    }

    std::unique_ptr<Packed<T>> pack(const T* weight, const T* bias) const override;

    TilePlan tile_plan(const Shape& shape) const {
        const Range range = range_of(phases.layer, phases.axes, shape);
        TilePlan plan;
        plan.all = shape.batch;
        for (int a = 0; a < 3; ++a) {
            plan.first[a] = range.first[a];
            plan.count[a] = range.count[a];
            plan.tiles[a] = ceil_div(plan.count[a], axes[a].m);
            plan.all *= plan.tiles[a];
        }
        plan.whole = range.whole;
        plan.vectors = ceil_div(plan.all, lanes);
        const int64_t weights = filters * phases.in * phases.out * int64_t(sizeof(T));
        const bool once =
            weights > large_weights && points <= 16 && plan.all <= most_block_tiles;
        const int64_t aim = once ? plan.all : points <= 7 ? 2 * block_tiles : block_tiles;
        const int64_t tile = most_products * block_channels * int64_t(sizeof(T));
        const int64_t fits = max(most_product_bytes / tile / lanes, 1) * lanes;
        plan.blocks = plan.all ? ceil_div(plan.all, min(aim, fits)) : 0;
        return plan;
    }

    TileBlock tile_block(const TilePlan& plan, int64_t index, Scratch& scratch) const {
        const int64_t first = plan.vectors * index / plan.blocks * lanes;
        const int64_t end = min(plan.vectors * (index + 1) / plan.blocks * lanes, plan.all);
        TileBlock block;
        block.width = end - first;
        block.plane = ceil_div(block.width, lanes) * lanes;
        block.step = odd_lines<T>(phases.in * block.plane + lanes);
        block.rows = scratch.take<TileRow>(block.width);
        block.count = 0;
        for (int64_t tile = first; tile < end;) {
            const int64_t x = tile % plan.tiles[2], row = tile / plan.tiles[2];
            const int64_t tiles = min(plan.tiles[2] - x, end - tile);
            block.rows[block.count++] = {row / plan.tiles[1] / plan.tiles[0],
                                         row / plan.tiles[1] % plan.tiles[0],
                                         row % plan.tiles[1], x, tiles, tile - first};
            tile += tiles;
        }
        return block;
    }

    // Phase groups that differ on the last axis alone: their outputs are written to the same rows.
    int64_t row_groups() const { return count_of(axes[2].groups); }

    const PhaseGroups phases;
    const Epilogue<T> epilogue;
    AxisTiling<T> axes[3];
    std::vector<GroupTransform<T>> groups;  // the last axis fastest
    int64_t points = 1, filters = 0;  // of the transformed input; of all phases
    int64_t most_points = 0;          // of a phase group
    int64_t most_products = 0;        // of an output channel, a tile and row_groups() phase groups
    int64_t kc = tconv::TCONV_TARGET::kc;
    int64_t block_channels, channel_blocks;  // output channels
    std::vector<int64_t> last_phases;        // phases of the last axis, ascending
};

}  // namespace tconv::TCONV_TARGET::winograd::position_lanes
