// The products of one N-block and one region: the indirection buffer, the blocks, and their way into
// the output.
#pragma once

#include "algorithms/channels/packing.hpp"
#include "algorithms/channels/regions.hpp"

namespace tconv::TCONV_TARGET::channels {

using indirect::Indirection;
using indirect::IndirectProduct;

// What the products of a tile read and write, with channels last: one group of channels of the
// input, and one channel block of the output.
template <class T>
struct TileOperands {
    const ColumnLayout<T>& layout;
    const PackedColumns<T>& packed;
    const Shape& shape;
    const Tile& tile;
    int64_t group;
    const T* x;
    View from;
    T* y;
    View to;
};

// Columns of an N-block that lie side by side in the output too.
struct OutputRun {
    int64_t column, to, count;
};
template <class T>
using OutputRuns = OutputRun[indirect::max_nr * Lanes<T>::count];

// Where columns go whose phases a region has within the output; returns how many runs.
inline int64_t output_runs(const NBlock& block, const TapRegion& region, const View& to,
                           OutputRun* run) {
    int64_t runs = 0;
    for (int64_t column = 0, count; column < block.count; column += count) {
        const int64_t at = block.first + column, channel = at % block.channels;
        count = min(block.channels - channel, block.count - column);
        int64_t phase[3], place = channel;
        block.phases_of(at / block.channels, phase);
        bool inside = true;
        for (int a = 0; a < 3; ++a) {
            const AxisSegment& segment = region.axes[a];
            inside = inside && phase[a] >= segment.first_phase && phase[a] < segment.end_phase;
            place += block.axes[a]->phases[phase[a]] * to.axis[a];
        }
        if (!inside) continue;
        OutputRun& last = run[max(runs - 1, 0)];
        if (runs && last.column + last.count == column && last.to + last.count == place)
            last.count += count;
        else
            run[runs++] = {column, place, count};
    }
    return runs;
}

// Whether every vector of a block lies whole in the output, and then where.
template <class T>
bool vectors_of(const OutputRun* run, int64_t runs, const NBlock& block, int64_t* column) {
    constexpr int64_t lanes = Lanes<T>::count;
    int64_t vectors = 0;
    for (int64_t r = 0; r < runs; ++r) {
        if (run[r].column % lanes || run[r].count % lanes) return false;
        for (int64_t c = 0; c < run[r].count; c += lanes) column[vectors++] = run[r].to + c;
    }
    return vectors == block.vectors;
}

// Rows of so many columns to their places.
template <class T>
void write_rows(const T* rows, int64_t width, int64_t height, const int64_t* writes,
                const OutputRun* run, int64_t runs, T* y) {
    for (int64_t m = 0; m < height; ++m)
        for (int64_t r = 0; r < runs; ++r)
            copy(y + (writes[m] + run[r].to), rows + m * width + run[r].column, run[r].count);
}

// Where a region's positions are read and written, with images next to each other or apart.
template <class T>
void place_positions(const TileOperands<T>& tile, const TapRegion& region, bool together,
                     int64_t* reads, int64_t* writes) {
    const AxisSegment(&s)[3] = region.axes;
    const View &from = tile.from, &to = tile.to;
    int64_t step[3], origin = to.origin;
    for (int a = 0; a < 3; ++a) {
        step[a] = tile.layout.layer.axes[a].stride * to.axis[a];
        origin -= tile.shape.crop[a] * to.axis[a];
    }
    const int64_t inner = together ? tile.tile.images : 1, outer = tile.tile.images / inner;
    for (int64_t n = 0; n < outer; ++n)
        for (int64_t z = s[0].start; z < s[0].end; ++z)
            for (int64_t row = s[1].start; row < s[1].end; ++row) {
                int64_t read = from.of(n, z, row, s[2].start);
                int64_t write = origin + n * to.image + z * step[0] + row * step[1] +
                                s[2].start * step[2];
                for (int64_t q = s[2].start; q < s[2].end; ++q) {
                    for (int64_t i = 0; i < inner; ++i) {
                        *reads++ = read + i * from.image;
                        *writes++ = write + i * to.image;
                    }
                    read += from.axis[2];
                    write += step[2];
                }
            }
}

inline int64_t indirection_size(const NBlock& block, const TapRegion& region, int64_t in) {
    int64_t entries = ceil_div(in, block.kc_channels);
    for (const AxisSegment& segment : region.axes) entries *= segment.end_tap - segment.first_tap;
    return entries;
}

// The products of a sum in their order. Where KC blocks end is a matter of the weights alone.
inline void make_indirection(const NBlock& block, const TapRegion& region, int64_t in,
                             const View& from, Indirection* entry) {
    const AxisSegment(&s)[3] = region.axes;
    const int64_t longest = block.kc_channels, taps_at_once = max(longest / in, 1);
    int64_t count = 0, kc_block = -1;
    for (int64_t z = s[0].first_tap; z < s[0].end_tap; ++z)
        for (int64_t y = s[1].first_tap; y < s[1].end_tap; ++y)
            for (int64_t x = s[2].first_tap; x < s[2].end_tap; ++x) {
                const std::vector<int64_t>&offsets_y = block.axes[1]->offsets,
                      &offsets_x = block.axes[2]->offsets;
                const int64_t tap = (z * count_of(offsets_y) + y) * count_of(offsets_x) + x;
                const int64_t offset = -block.axes[0]->offsets[z] * from.axis[0] -
                                       offsets_y[y] * from.axis[1] - offsets_x[x] * from.axis[2];
                if (count && tap / taps_at_once != kc_block) entry[count - 1].ends_kc_block = true;
                kc_block = tap / taps_at_once;
                for (int64_t c = 0; c < in; c += longest)
                    entry[count++] = {offset + c, tap * block.tap_weights + c * block.width,
                                      min(longest, in - c), c + longest < in};
            }
}

// Calls f(first position, positions) for M-blocks of nearly equal height.
template <class F>
void each_m_block(int64_t first, int64_t end, int64_t vectors, const F& f) {
    const int64_t positions = end - first;
    const int64_t blocks = ceil_div(positions, indirect::mr_of(vectors));
    for (int64_t b = 0; b < blocks; ++b) {
        const int64_t low = positions * b / blocks;
        f(first + low, positions * (b + 1) / blocks - low);
    }
}

// From the inputs of an M-block to those of the next.
inline int64_t next_inputs(const int64_t* reads, int64_t first, int64_t height, int64_t positions) {
    return first + height < positions ? reads[first + height] - reads[first] : 0;
}

template <class T>
void multiply_vectors(const ColumnLayout<T>& layout, IndirectProduct<T> product,
                      const NBlock& block, int64_t positions, const int64_t* reads,
                      const int64_t* writes, const OutputRun* run, int64_t runs, T* y) {
    constexpr int64_t lanes = Lanes<T>::count, size = sizeof(T);
    const int64_t width = block.width, most = indirect::mr_of(block.vectors);
    T waiting[indirect::accumulators * lanes];
    int64_t rows[indirect::mr_of(1)], column[indirect::max_nr];
    for (int64_t m = 0; m < most; ++m) rows[m] = m * width;
    const bool direct = vectors_of<T>(run, runs, block, column);
    if (!direct)
        for (int64_t n = 0; n < block.vectors; ++n) column[n] = n * lanes;
    product.column = column;
    product.y = direct ? y : waiting;
    indirect::MemorySteps<T>& memory = product.memory;
    const int64_t weights = block.taps() * block.tap_weights;
    const int64_t blocks = ceil_div(positions, most);
    // beside the products of one tap: others read about the same inputs
    if (blocks >= prefetching_blocks)
        memory.entries = min(product.entries, ceil_div(layout.in, block.kc_channels));
    const bool prefetches = memory.entries && weights * size <= prefetched_weight_bytes &&
                            layout.weights * size > max_staged_weight_bytes;
    if (prefetches)
        memory.lines = ceil_div(weights * size, indirect::line_bytes * blocks * product.steps());
    each_m_block(0, positions, block.vectors, [&](int64_t first, int64_t height) {
        product.from = reads + first;
        product.to = direct ? writes + first : rows;
        memory.ahead = next_inputs(reads, first, height, positions);
        if (prefetches)
            memory.weights = product.weights + (positions + first) * weights / positions;
        indirect::igemm_of<T>(height, block.vectors)(product);
        if (!layout.epilogue.in_registers())
            for (int64_t m = 0; m < height; ++m)
                for (int64_t n = 0; n < block.vectors; ++n)
                    layout.epilogue.finish(product.y + (product.to[m] + column[n]), lanes);
        if (!direct) write_rows(waiting, width, height, writes + first, run, runs, y);
    });
}

template <class T>
void multiply_dots(const ColumnLayout<T>& layout, IndirectProduct<T> product, const NBlock& block,
                   int64_t positions, const int64_t* reads, const int64_t* writes,
                   const OutputRun* run, int64_t runs, T* y) {
    const int64_t width = block.width, most = indirect::dot_mr_of(width);
    const indirect::IndirectKernel<T> kernel = indirect::dots_of<T>(width);
    T waiting[indirect::accumulators + Lanes<T>::count];
    product.y = waiting;
    int64_t last[indirect::dot_mr_of(1)];  // whose positions are repeated
    for (int64_t first = 0; first < positions; first += most) {
        const int64_t height = min(most, positions - first);
        for (int64_t m = 0; m < most; ++m) last[m] = reads[first + min(m, height - 1)];
        product.from = height == most ? reads + first : last;
        kernel(product);
        layout.epilogue.finish(waiting, height * width);
        write_rows(waiting, width, height, writes + first, run, runs, y);
    }
}

template <class T>
void multiply_region(const TileOperands<T>& tile, const TapRegion& region, const NBlock& block) {
    Scratch frame;
    const ColumnLayout<T>& layout = tile.layout;
    OutputRuns<T> run;
    const int64_t runs = output_runs(block, region, tile.to, run);
    if (runs == 0) return;
    const int64_t images = tile.tile.images, positions = region.positions(images);
    int64_t* const reads = frame.take<int64_t>(2 * positions);
    int64_t* const writes = reads + positions;
    place_positions(tile, region, images >= indirect::mr_of(indirect::max_nr), reads, writes);
    IndirectProduct<T> product;
    product.entries = indirection_size(block, region, layout.in);
    Indirection* const entry = frame.take<Indirection>(product.entries);
    make_indirection(block, region, layout.in, tile.from, entry);
    product.entry = entry;
    product.x = tile.x;
    product.weights = tile.packed.weights(tile.group, block);
    product.start = tile.packed.starts(tile.group, block);
    product.relu = layout.epilogue.relu();
    const auto multiply = block.dots ? multiply_dots<T> : multiply_vectors<T>;
    multiply(layout, product, block, positions, reads, writes, run, runs, tile.y);
}

}  // namespace tconv::TCONV_TARGET::channels
