// Stamping, for the few cells of a deep layer: weights are read once for all cells, a tap at a time,
// and not once for every position.
#pragma once

#include "algorithms/channels/products.hpp"

namespace tconv::TCONV_TARGET::channels {

// Whether cells are so few that hardly two positions have the same taps.
template <class T>
bool stamps(const ColumnLayout<T>& layout, const NBlock& block, const Shape& shape) {
    if (block.dots || layout.staged || block.phase[2] < 0 || layout.in < min_stamped_channels)
        return false;
    int64_t alike = shape.batch, cells = shape.batch;
    for (int a = 0; a < 3; ++a) {
        const std::vector<int64_t>& offsets = block.axes[a]->offsets;
        const int64_t reach = offsets.back() - offsets.front();
        alike *= max(1, shape.input[a] / (2 * reach + 1));
        cells *= shape.input[a];
    }
    return cells <= max_stamped_cells && block.taps() > 1 && static_cast<double>(alike) < few_alike;
}

// The cells that a tap reads, and at which of a region's positions; returns how many.
template <class T>
int64_t cells_of(const TileOperands<T>& tile, const TapRegion& region, const NBlock& block,
                 int64_t tap, int64_t* reads, int64_t* rows) {
    int64_t offset[3], low[3], high[3], start[3], length[3], count = 0;
    for (int a = 2; a >= 0; --a) {
        const std::vector<int64_t>& offsets = block.axes[a]->offsets;
        offset[a] = offsets[static_cast<size_t>(tap % count_of(offsets))];
        tap /= count_of(offsets);
        start[a] = region.axes[a].start;
        length[a] = region.axes[a].end - start[a];
        low[a] = max(start[a], offset[a]);
        high[a] = min(region.axes[a].end, tile.shape.input[a] + offset[a]);
    }
    for (int64_t n = 0; n < tile.tile.images; ++n)
        for (int64_t z = low[0]; z < high[0]; ++z)
            for (int64_t y = low[1]; y < high[1]; ++y)
                for (int64_t x = low[2]; x < high[2]; ++x, ++count) {
                    reads[count] = tile.from.of(n, z - offset[0], y - offset[1], x - offset[2]);
                    rows[count] = ((n * length[0] + z - start[0]) * length[1] + y - start[1]) *
                                      length[2] + x - start[2];
                }
    return count;
}

// Adds up what every tap makes of the cells.
template <class T>
void stamp(const TileOperands<T>& tile, const NBlock& block) {
    typedef typename Lanes<T>::V V;
    constexpr int64_t lanes = Lanes<T>::count;
    Scratch frame;
    const ColumnLayout<T>& layout = tile.layout;
    TapRegion region;
    for (int a = 0; a < 3; ++a) {
        const PositionRange own =
            positions_in(layout.layer, tile.shape, tile.tile.positions, block, a);
        if (own.count() == 0) return;
        region.axes[a] = {own.start, own.end, 0, count_of(block.axes[a]->offsets), block.phase[a],
                          block.phase[a] + 1};
    }
    const int64_t width = block.width, positions = region.positions(tile.tile.images);
    T* const sum = frame.take<T>(positions * width);
    const T* const start = tile.packed.starts(tile.group, block);
    for (int64_t m = 0; m < positions; ++m) copy(sum + m * width, start, width);
    int64_t* const reads = frame.take<int64_t>(4 * positions);
    int64_t *const rows = reads + positions, *const writes = rows + positions;
    const T zeros[indirect::max_nr * lanes] = {};
    T made[indirect::accumulators * lanes];
    int64_t column[indirect::max_nr], own_rows[indirect::mr_of(1)];
    for (int64_t n = 0; n < block.vectors; ++n) column[n] = n * lanes;
    for (int64_t m = 0; m < indirect::mr_of(block.vectors); ++m) own_rows[m] = m * width;
    IndirectProduct<T> product;
    product.entries = ceil_div(layout.in, kc);
    Indirection* const entry = frame.take<Indirection>(product.entries);
    for (int64_t i = 0; i < product.entries; ++i) {
        const int64_t c = i * kc;
        entry[i] = {c, c * width, min(kc, layout.in - c), c + kc < layout.in};
    }
    product.entry = entry;
    product.x = tile.x;
    product.weights = tile.packed.weights(tile.group, block);
    product.start = zeros;
    product.y = made;
    product.to = own_rows;
    product.column = column;
    product.relu = false;
    for (int64_t tap = 0; tap < block.taps(); ++tap, product.weights += block.tap_weights) {
        const int64_t count = cells_of(tile, region, block, tap, reads, rows);
        each_m_block(0, count, block.vectors, [&](int64_t first, int64_t height) {
            product.from = reads + first;
            indirect::igemm_of<T>(height, block.vectors)(product);
            for (int64_t m = 0; m < height; ++m)
                for (int64_t n = 0; n < width; n += lanes) {
                    T* const at = sum + rows[first + m] * width + n;
                    const V v = load<T>(at) + load<T>(made + m * width + n);
                    store<T>(at, v);
                }
        });
    }
    for (int64_t i = 0; i < positions * width; i += lanes) {
        V v = load<T>(sum + i);
        layout.epilogue.of(v);
        store<T>(sum + i, v);
    }
    OutputRuns<T> run;
    const int64_t runs = output_runs(block, region, tile.to, run);
    place_positions(tile, region, false, writes + positions, writes);
    write_rows(sum, width, positions, writes, run, runs, tile.y);
}

}  // namespace tconv::TCONV_TARGET::channels
