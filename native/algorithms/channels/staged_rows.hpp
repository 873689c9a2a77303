// Rows of the output that are staged: all the phases of a row are computed together, where an
// N-block alone would write only a part of what lies side by side.
#pragma once

#include "algorithms/channels/products.hpp"

namespace tconv::TCONV_TARGET::channels {

// Positions staged at a time, at most.
template <class T>
int64_t staged_positions(const ColumnLayout<T>& layout) {
    const int64_t least = staging_positions * layout.row_width() * int64_t(sizeof(T));
    return max(staging_bytes / least, 1) * staging_positions;
}

// A region with all the phases of a row in the output.
template <class T>
void multiply_staged_region(const TileOperands<T>& tile, const TapRegion& region,
                            const NBlock* blocks, int64_t count, OutputStaging<T>& staging) {
    constexpr int64_t lanes = Lanes<T>::count;
    Scratch frame;
    const ColumnLayout<T>& layout = tile.layout;
    OutputRuns<T> run;
    if (output_runs(blocks[0], region, tile.to, run) == 0) return;
    const int64_t width = layout.row_width(), most = staged_positions(layout);
    const int64_t positions = region.positions(tile.tile.images);
    int64_t* const reads = frame.take<int64_t>(2 * positions + most);
    int64_t *const writes = reads + positions, *const cells = writes + positions;
    place_positions(tile, region, false, reads, writes);
    for (int64_t m = 0; m < most; ++m) cells[m] = m * width;
    const int64_t entries = indirection_size(blocks[0], region, layout.in);
    Indirection* const entry = frame.take<Indirection>(entries * count);
    for (int64_t i = 0; i < count; ++i)
        make_indirection(blocks[i], region, layout.in, tile.from, entry + i * entries);
    int64_t column[indirect::max_nr];
    for (int64_t n = 0; n < indirect::max_nr; ++n) column[n] = n * lanes;
    IndirectProduct<T> product;
    indirect::MemorySteps<T>& memory = product.memory;
    product.entries = memory.entries = entries;
    product.x = tile.x;
    product.column = column;
    product.relu = layout.epilogue.relu();
    // whole vectors past the caches need no staging
    T* const row = tile.y + run[0].to;
    const bool direct = staging.nontemporal() && layout.out % lanes == 0 &&
                        aligned(row + writes[0]) && layout.epilogue.in_registers();
    product.nontemporal = direct;
    for (int64_t first = 0, end; first < positions; first = end) {
        end = min(first + most, positions);
        T* const made = direct ? row : staging.buffer();
        for (int64_t i = 0; i < count; ++i) {
            // the last columns, which may reach beyond the row, before those that follow them
            const int64_t at = i == 0 ? count - 1 : i - 1, vectors = blocks[at].vectors;
            product.entry = entry + at * entries;
            product.weights = tile.packed.weights(0, blocks[at]);
            product.start = tile.packed.starts(0, blocks[at]);
            product.y = made + blocks[at].first;
            const int64_t steps = product.steps();
            each_m_block(first, end, vectors, [&](int64_t m, int64_t height) {
                product.from = reads + m;
                product.to = direct ? writes + m : cells + m - first;
                memory.ahead = i == 0 ? next_inputs(reads, m, height, positions) : 0;
                if (steps && !direct) {
                    memory.write_back = staging.write_back(height * vectors);
                    memory.vectors = ceil_div(memory.write_back.vectors, steps);
                }
                indirect::igemm_of<T>(height, vectors)(product);
            });
        }
        if (direct) continue;
        staging.finish();
        layout.epilogue.finish(made, (end - first) * width);
        for (int64_t m = first, next; m < end; m = next) {
            for (next = m + 1; next < end && writes[next] == writes[next - 1] + width;) ++next;
            staging.add(tile.y + (writes[m] + run[0].to), (next - m) * width);
        }
        staging.swap();
    }
}

template <class T>
void multiply_staged(const TileOperands<T>& tile, const ChannelBlock& rows,
                     OutputStaging<T>& staging) {
    const Layer& layer = tile.layout.layer;
    const NBlock* const blocks = tile.layout.blocks.data() + rows.first_block;
    const auto multiply = [&](const TapRegion& region) {
        const AxisSegment& x = region.axes[2];
        if (x.end_phase - x.first_phase == layer.axes[2].stride)
            return multiply_staged_region(tile, region, blocks, rows.blocks, staging);
        for (int64_t i = 0; i < rows.blocks; ++i) multiply_region(tile, region, blocks[i]);
    };
    each_region(layer, tile.shape, tile.tile.positions, blocks[0], multiply);
}

}  // namespace tconv::TCONV_TARGET::channels
