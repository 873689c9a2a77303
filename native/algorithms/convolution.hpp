// The direct convolution, adjoint of the transposed one: the same product, over packed y in which the
// phases lie apart.
//     x[ci, i] = bias[ci] + sum over co and k of y[co, i·s + k·d - crop] · w[ci, co, k]
#pragma once

#include "algorithms/strided.hpp"
#include "gemm/micro_kernel.hpp"
#include "heuristics/cache.hpp"
#include "heuristics/convolution.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
class Convolution final : public Packed<T> {
  public:
    Convolution(const Layer& layer, const T* weight, const T* bias)
        : layer_(layer),
          blocks_(cut_kernel(layer, shared_planes)) {
        rows_ = layer.in_channels / layer.groups;
        depth_ = layer.out_channels / layer.groups;
        kernel_ = layer.axes[0].kernel * layer.axes[1].kernel * layer.axes[2].kernel;
        heights_ = ceil_div(rows_, max_rows);
        start_.grow(layer.in_channels + max_rows);
        for (int64_t c = 0; c < layer.in_channels + max_rows; ++c)
            start_.data()[c] = bias && c < layer.in_channels ? bias[c] : T(0);
        pack(weight);
    }

    // Takes y (N, C_out, *output), fills x (N, C_in, *input).
    void run(const Shape& shape, const T* y, T* x, int threads,
             const Parallel& parallel) const override {
        bool own_planes[3];
        choose_own_planes(layer_, shape, rows_, own_planes);
        SumPlan plan;
        plan.blocks = &blocks_;
        std::vector<KernelBlock> own;
        if (blocks_.size() == 1 && (own_planes[0] || own_planes[1] || own_planes[2])) {
            own = cut_kernel(layer_, own_planes);
            if (own.size() == 1) plan.blocks = &own;  // else its order is not that of the weights
        }
        int64_t reach[3] = {0, 0, 0}, elements = 1, planes = 1;
        for (const KernelBlock& block : *plan.blocks) {
            elements = max(elements, block.elements);
            planes = max(planes, block.planes);
            for (int a = 0; a < 3; ++a) reach[a] = max(reach[a], block.axes[a].reach);
        }
        // what is summed in which order does not depend on the threads
        const int64_t widest = widest_of(elements, planes);
        Tiles t = tiles_of(shape.input, shape.batch, reach, 1, widest, Lanes<T>::count);
        const int64_t fit = max(1, packed_cells / (planes * t.plane));
        plan.depth = ceil_div(depth_, ceil_div(depth_, fit));
        if (threads > 1) {
            const int64_t fair = shape.batch * t.count[0] * t.count[1] * t.count[2] *
                                 layer_.groups / (tasks_per_thread * threads);
            const int64_t width = max(fair, 4 * max_vectors * Lanes<T>::count);
            if (width < widest)
                t = tiles_of(shape.input, shape.batch, reach, 1, width, Lanes<T>::count);
        }
        plan.packed = plan.depth * planes * t.plane;
        int64_t splits = ceil_div(rows_, most_block_rows);
        const int64_t whole = t.all() * layer_.groups;
        if (threads > 1) splits = max(splits, ceil_div(tasks_per_thread * threads, whole));
        splits = min(splits, heights_);
        Buffer<int32_t> offsets(kernel_);
        int32_t* table = offsets.data();
        for (const KernelBlock& block : *plan.blocks) {
            fill_offsets(block, t, table);
            table += block.elements;
        }
        const Reading<T> reading(layer_, shape, 1, y);
        parallel(whole * splits, [&](int64_t task) {
            const int64_t split = task % splits, group = task / splits / t.all();
            run_tile(shape, t, tile_at(t, task / splits % t.all()), reading, offsets.data(), plan,
                     group, heights_ * split / splits, heights_ * (split + 1) / splits, x);
        });
    }

  private:
    static constexpr int64_t packed_cells = packed_y_bytes / int64_t(sizeof(T));

    // First of the rows that one block of registers holds.
    int64_t row_of(int64_t height) const { return rows_ * height / heights_; }

    // How a call cuts its sums.
    struct SumPlan {
        const std::vector<KernelBlock>* blocks;
        int64_t depth, packed;  // output channels at once, cells of their packed y
    };

    static constexpr bool shared_planes[3] = {false, false, false};

    static std::vector<KernelBlock> cut_kernel(const Layer& layer, const bool* own_planes) {
        return kernel_blocks_of(layer.axes, own_planes, false, INT64_MAX, max_vectors * Lanes<T>::count,
                        packed_cells);
    }

    int64_t widest_of(int64_t elements, int64_t planes) const {
        const int64_t rows = min(rows_, most_block_rows);
        const int64_t channels = min(depth_, ceil_div(conv_block_depth, elements));
        const int64_t fits = min(tile_sum_bytes / (rows * int64_t(sizeof(T))),
                                 packed_cells / (channels * planes));
        return max(min(widest_conv_tile, fits), max_vectors * Lanes<T>::count);
    }

    // Weights of (group, height, block) lie in that order, as [channel][element][row].
    void pack(const T* weight) {
        T* to = packed_.grow(layer_.in_channels * depth_ * kernel_ + max_rows);
        for (int64_t g = 0; g < layer_.groups; ++g)
            for (int64_t h = 0; h < heights_; ++h) {
                const int64_t first = row_of(h), height = row_of(h + 1) - first;
                const T* rows = weight + (g * rows_ + first) * depth_ * kernel_;
                for (const KernelBlock& block : blocks_) to = pack_block(block, rows, height, to);
            }
    }

    T* pack_block(const KernelBlock& block, const T* rows, int64_t height, T* to) const {
        const Axis* axes = layer_.axes;
        const KernelRange *z = block.axes, *y = block.axes + 1, *x = block.axes + 2;
        if (block.elements == kernel_) return transpose(rows, height, depth_ * kernel_, to);
        for (int64_t c = 0; c < depth_; ++c)
            for (int64_t i = 0; i < z->count; ++i)
                for (int64_t j = 0; j < y->count; ++j) {
                    const int64_t at = (z->first + i) * axes[1].kernel + y->first + j;
                    to = transpose(rows + c * kernel_ + at * axes[2].kernel + x->first, height, x->count,
                              to);
                }
        return to;
    }

    // `height` rows of the weight, `count` cells of each, become columns.
    T* transpose(const T* from, int64_t height, int64_t count, T* to) const {
        constexpr int64_t lanes = Lanes<T>::count;
        const int64_t row = depth_ * kernel_;
        int64_t i = 0;
        if (height == max_rows)
            for (; i + lanes <= count; i += lanes) {
                typename Lanes<T>::V v[max_rows];
                for (int m = 0; m < max_rows; ++m) v[m] = load<T>(from + m * row + i);
                interleave<T, max_rows>(v);
                for (int m = 0; m < max_rows; ++m) store<T>(to + i * max_rows + m * lanes, v[m]);
            }
        for (; i < count; ++i)
            for (int64_t m = 0; m < height; ++m) to[i * height + m] = from[m * row + i];
        return to + count * height;
    }

    void run_tile(const Shape& shape, const Tiles& t, const Tile& tile, const Reading<T>& reading,
                  const int32_t* offsets, const SumPlan& plan, int64_t group, int64_t first_height,
                  int64_t end_height, T* x) const {
        const int64_t first = row_of(first_height), rows = row_of(end_height) - first;
        const int64_t width = t.place(tile.images - 1, tile.count[0] - 1, tile.count[1] - 1,
                                      tile.count[2] - 1) + 1;
        const int64_t row = (ceil_div(width, 16) | 1) * 16;
        Scratch scratch;
        T* const packed = scratch.take<T>(plan.packed + 128);
        T* const sums = scratch.take<T>(rows * row + 128);
        int64_t before = 0;  // products of a row in the blocks before
        for (const KernelBlock& block : *plan.blocks) {
            for (int64_t c = 0; c < depth_; c += plan.depth) {
                const int64_t channels = min(plan.depth, depth_ - c);
                reading.fill(block, t, tile, group * depth_ + c, channels, packed);
                for (int64_t h = first_height; h < end_height; ++h) {
                    const int64_t top = row_of(h), height = row_of(h + 1) - top;
                    const T* a = packed_.data() + (group * rows_ + top) * depth_ * kernel_ +
                                 (before + c * block.elements) * height;
                    const bool adds = before + c > 0;
                    multiply(block, t, offsets, a, channels, height, width, packed,
                             sums + (top - first) * row, row,
                             adds ? nullptr : start_.data() + group * rows_ + top);
                }
            }
            before += depth_ * block.elements;
            offsets += block.elements;
        }
        write(shape, t, tile, sums, row, group * rows_ + first, rows, x);
    }

    // Sums of `height` rows; without a start they add to those that stand there.
    void multiply(const KernelBlock& block, const Tiles& t, const int32_t* offsets, const T* a,
                  int64_t channels, int64_t height, int64_t width, const T* packed, T* sums,
                  int64_t row, const T* start) const {
        const int64_t plane = block.planes * t.plane;
        const T* zeros = start_.data() + layer_.in_channels;
        const bool adds = !start;
        if (block.elements <= kc) {
            sweep<T>({channels, block.elements, plane, offsets, a, packed, sums, row,
                   adds ? zeros : start, false, adds},
                  height, width);
            return;
        }
        for (int64_t c = 0; c < channels; ++c)
            for (int64_t k = 0; k < block.elements; k += kc) {
                const bool first = c + k == 0 && !adds;
                sweep<T>({1, min(kc, block.elements - k), plane, offsets + k,
                       a + (c * block.elements + k) * height, packed + c * plane, sums, row,
                       first ? start : zeros, false, !first},
                      height, width);
            }
    }

    void write(const Shape& shape, const Tiles& t, const Tile& tile, const T* sums, int64_t row,
               int64_t channel, int64_t channels, T* x) const {
        const int64_t* size = shape.input;
        int64_t length = tile.count[2], ys = tile.count[1], zs = tile.count[0];
        // rows that follow each other on both sides are one
        if (length == size[2] && length == t.pitch[2]) {
            length *= ys;
            ys = 1;
            if (tile.count[1] == size[1] && tile.count[1] == t.pitch[1]) {
                length *= zs;
                zs = 1;
            }
        }
        for (int64_t n = 0; n < tile.images; ++n)
            for (int64_t c = 0; c < channels; ++c)
                for (int64_t z = 0; z < zs; ++z)
                    for (int64_t y = 0; y < ys; ++y) {
                        const int64_t image = (tile.image + n) * layer_.in_channels + channel + c;
                        T* to = x + ((image * size[0] + tile.start[0] + z) * size[1] +
                                     tile.start[1] + y) * size[2] + tile.start[2];
                        copy(to, sums + c * row + t.place(n, z, y, 0), length);
                    }
    }

    Layer layer_;
    std::vector<KernelBlock> blocks_;
    int64_t rows_, depth_, kernel_, heights_;
    Buffer<T> packed_, start_;
};

}  // namespace tconv::TCONV_TARGET
