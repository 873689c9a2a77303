// The gradient with respect to the weight: a contraction over positions.
//     dw[ci, co, k] = sum over images n and positions i of x[n, ci, i] · y[n, co, i·s + k·d - crop]
// A row is a (co, k); the lanes lie along ci, or, where there are few ci, along positions.
#pragma once

#include "algorithms/strided.hpp"
#include "gemm/contraction.hpp"
#include "heuristics/weight_gradient.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
class Gradient {
  public:
    Gradient(const Layer& layer, const Shape& shape, const T* x, const T* y, T* weight)
        : layer_(layer), shape_(shape), x_(x), weight_(weight), y_(y) {
        in_ = layer.in_channels / layer.groups;
        out_ = layer.out_channels / layer.groups;
        kernel_ = layer.axes[0].kernel * layer.axes[1].kernel * layer.axes[2].kernel;
        size_ = layer.in_channels * out_ * kernel_;
        cut_channels();
        bool own_planes[3];
        choose_own_planes(layer, shape, along_ ? 0 : in_, own_planes);
        kernel_blocks_ = kernel_blocks_of(layer.axes, own_planes, step_ > 1, sum_cells / width_, max_vectors * lanes,
                          read_cells);
        for (const KernelBlock& block : kernel_blocks_) {
            planes_ = max(planes_, block.planes);
            elements_ = max(elements_, block.elements);
            for (int a = 0; a < 3; ++a) reach_[a] = max(reach_[a], block.axes[a].reach);
        }
        cut_positions();
        const int64_t fits =
            max(1, min(sum_cells / (width_ * elements_), read_cells / (planes_ * t_.plane)));
        out_blocks_ = ceil_div(out_, fits);
        const int64_t tasks = layer.groups * count_of(kernel_blocks_) * out_blocks_ *
                               in_blocks_;
        parts_ = min(ceil_div(fewest_gradient_tasks, tasks), partial_gradient_bytes / (size_ * int64_t(sizeof(T))));
        parts_ = max(min(parts_, t_.all()), 1);
    }

    void run(const Parallel& parallel) const {
        Buffer<T> others((parts_ - 1) * size_ + 1);
        const int64_t blocks = count_of(kernel_blocks_);
        parallel(layer_.groups * blocks * out_blocks_ * in_blocks_ * parts_, [&](int64_t index) {
            GradientTask task;
            task.part = index % parts_;
            index /= parts_;
            task.in = index % in_blocks_;
            index /= in_blocks_;
            task.out = index % out_blocks_;
            index /= out_blocks_;
            task.block = index % blocks;
            task.group = index / blocks;
            T* to = task.part ? others.data() + (task.part - 1) * size_ : weight_;
            run_task(task, to);
        });
        if (parts_ == 1) return;
        const int64_t rows = layer_.in_channels, row = out_ * kernel_;
        parallel(rows, [&](int64_t r) {
            T* const to = weight_ + r * row;
            for (int64_t p = 0; p < parts_ - 1; ++p) {
                const T* from = others.data() + p * size_ + r * row;
                for (int64_t i = 0; i < row; ++i) to[i] += from[i];
            }
        });
    }

  private:
    typedef typename Lanes<T>::V V;
    static constexpr int64_t lanes = Lanes<T>::count;
    static constexpr int64_t sum_cells = gradient_sum_bytes / int64_t(sizeof(T));
    static constexpr int64_t read_cells = gradient_read_bytes / int64_t(sizeof(T));

    struct GradientTask {
        int64_t group, block, out, in, part;
    };

    // A vector that the positions of a run fill badly costs as much as a full one.
    void cut_channels() {
        const int64_t vectors = ceil_div(in_, lanes), length = shape_.input[2];
        along_ = 2 * in_ * ceil_div(length, lanes) < vectors * length;
        in_blocks_ = ceil_div(vectors, most_gradient_vectors);
        vectors_ = ceil_div(vectors, in_blocks_);
        in_blocks_ = ceil_div(vectors, vectors_);
        // with lanes along channels any step does, and rows are best left as they are
        const Axis& axis = layer_.axes[2];
        const bool dense = 4 * axis.kernel * axis.dilation >= axis.stride;
        step_ = !along_ && dense && axis.stride <= longest_gradient_step ? axis.stride : 1;
        width_ = along_ ? in_ * lanes : vectors_ * lanes;
    }

    void cut_positions() {
        // a lane, or all of them, sum no more than the longest sum before it is put away
        const int64_t at_once = along_ ? min(lanes, shape_.input[2]) : 1;
        const int64_t longest = kc * at_once;
        const int64_t outs = min(out_, ceil_div(max_rows, elements_));
        const int64_t fits = read_cells / (step_ * planes_ * outs);
        int64_t room = max(min(longest, fits), lanes);
        int64_t reach[3];
        for (int a = 0; a < 3; ++a) reach[a] = reach_[a];
        t_ = tiles_of(shape_.input, shape_.batch, reach, step_, room, lanes);
    }

    int64_t channels_of(int64_t block) const {
        return min(vectors_ * lanes, in_ - block * vectors_ * lanes);
    }

    void run_task(const GradientTask& task, T* weight) const {
        const KernelBlock& block = kernel_blocks_[static_cast<size_t>(task.block)];
        const int64_t first = out_ * task.out / out_blocks_;
        const int64_t outs = out_ * (task.out + 1) / out_blocks_ - first;
        const int64_t rows = outs * block.elements;
        const Reading<T> reading(layer_, shape_, t_.step, y_);
        Scratch scratch;
        T* const packed = scratch.take<T>(outs * block.planes * t_.plane + 128);
        T* const sums = scratch.take<T>(rows * width_);
        zero(sums, rows * width_);
        int32_t* const offsets = scratch.take<int32_t>(block.elements);
        fill_offsets(block, t_, offsets);
        int64_t* const places = scratch.take<int64_t>(rows);
        for (int64_t r = 0; r < rows; ++r)
            places[r] = r / block.elements * block.planes * t_.plane + offsets[r % block.elements];
        int32_t* const runs = scratch.take<int32_t>(t_.images * t_.tile[0] * t_.tile[1]);
        const int64_t tiles = t_.all();
        for (int64_t i = tiles * task.part / parts_; i < tiles * (task.part + 1) / parts_; ++i) {
            const Tile tile = tile_at(t_, i);
            reading.fill(block, t_, tile, task.group * out_ + first, outs, packed);
            Contraction<T> work;
            work.packed = packed;
            work.run = runs;
            fill_runs(tile, runs, work);
            if (along_)
                sum_along(task, tile, work, places, rows, sums);
            else
                sum_channels(task, tile, work, places, rows, sums);
        }
        if (along_)
            write_along(task, block, first, outs, sums, weight);
        else
            write(task, block, first, outs, sums, weight);
    }

    void fill_runs(const Tile& tile, int32_t* runs, Contraction<T>& work) const {
        // rows that follow each other without a gap are one run
        int64_t left[4] = {tile.images, tile.count[0], tile.count[1], tile.count[2]};
        work.length = tile.count[2];
        work.step = t_.step;
        for (int a = 2; !along_ && a >= 0; --a) {
            if (tile.count[a] * (a == 2 ? t_.step : 1) != t_.pitch[a]) break;
            work.length *= left[a];
            left[a] = 1;
        }
        work.runs = 0;
        for (int64_t n = 0; n < left[0]; ++n)
            for (int64_t z = 0; z < left[1]; ++z)
                for (int64_t y = 0; y < left[2]; ++y)
                    runs[work.runs++] = static_cast<int32_t>(t_.place(n, z, y, 0));
    }

    static int64_t slice_of(int64_t vectors) {
        return max_vectors == 3 && vectors == 4 ? 2 : min(vectors, max_vectors);
    }

    // Lanes along channels ------------------------------------------------------------------------

    void sum_channels(const GradientTask& task, const Tile& tile, Contraction<T> work,
                      const int64_t* places, int64_t rows, T* sums) const {
        const int64_t positions = tile.positions();
        // rows of a square that hang over are written too
        Scratch scratch;
        T* const x = scratch.take<T>(max_vectors * lanes * (positions + lanes));
        int64_t left = ceil_div(channels_of(task.in), lanes);
        int64_t channel = task.in * vectors_ * lanes;
        while (left > 0) {
            const int64_t now = slice_of(left);
            for (int64_t v = 0; v < now; ++v)
                transpose(task.group, channel + v * lanes, tile, x + v * lanes, now * lanes);
            work.x = x;
            for (int64_t r = 0; r < rows;) {
                const int64_t height = block_rows(rows, r);
                work.row = places + r;
                work.sum = sums + r * now * lanes;
                contract_of<T>(static_cast<int>(height), static_cast<int>(now))(work);
                r += height;
            }
            sums += rows * now * lanes;
            channel += now * lanes;
            left -= now;
        }
    }

    // to[position·row + lane] = x[channel + lane, position]; lanes beyond the channels are any.
    void transpose(int64_t group, int64_t channel, const Tile& tile, T* to, int64_t row) const {
        const int64_t *size = shape_.input, cells = size[0] * size[1] * size[2];
        const int64_t held = min(lanes, in_ - channel);
        const T* end = x_ + shape_.batch * layer_.in_channels * cells;
        // rows that follow each other in x too are one
        int64_t length = tile.count[2], ys = tile.count[1], zs = tile.count[0];
        if (length == size[2]) {
            length *= ys;
            ys = 1;
            if (tile.count[1] == size[1]) {
                length *= zs;
                zs = 1;
            }
        }
        for (int64_t n = 0; n < tile.images; ++n) {
            const T* image = x_ + ((tile.image + n) * layer_.in_channels + group * in_ + channel) *
                                      cells;
            for (int64_t z = 0; z < zs; ++z)
                for (int64_t y = 0; y < ys; ++y) {
                    const T* from = image + ((tile.start[0] + z) * size[1] + tile.start[1] + y) *
                                                size[2] + tile.start[2];
                    transpose_run(from, cells, held, length, end, to, row);
                    to += length * row;
                }
        }
    }

    static void transpose_run(const T* from, int64_t cells, int64_t held, int64_t length, const T* end,
                         T* to, int64_t row) {
        int64_t i = 0;
        const int64_t least = lanes / 4;  // of a square that is worth transposing
        const T* last = from + (held - 1) * cells;
        for (; i + least <= length && last + i + lanes <= end; i += lanes) {
            V v[lanes];
            for (int64_t c = 0; c < lanes; ++c) v[c] = load<T>(from + min(c, held - 1) * cells + i);
            interleave<T, lanes>(v);
            for (int64_t p = 0; p < lanes; ++p) store<T>(to + (i + p) * row, v[p]);
        }
        for (; i < length; ++i)
            for (int64_t c = 0; c < lanes; ++c)
                to[i * row + c] = from[min(c, held - 1) * cells + i];
    }

    // Columns of the sums become rows of the gradient.
    void write(const GradientTask& task, const KernelBlock& block, int64_t first, int64_t outs, const T* sums,
               T* weight) const {
        const int64_t rows = outs * block.elements;
        int64_t channel = task.in * vectors_ * lanes;
        int64_t left = ceil_div(channels_of(task.in), lanes);
        while (left > 0) {
            const int64_t now = slice_of(left);
            for (int64_t v = 0; v < now; ++v, channel += lanes) {
                T* to = weight + ((task.group * in_ + channel) * out_ + first) * kernel_;
                each_run(block, outs, [&](int64_t row, int64_t place, int64_t length) {
                    transpose_back(sums + row * now * lanes + v * lanes, now * lanes, length,
                              to + place, out_ * kernel_, min(lanes, in_ - channel));
                });
            }
            sums += rows * now * lanes;
            left -= now;
        }
    }

    static void transpose_back(const T* from, int64_t row, int64_t length, T* to, int64_t cells,
                          int64_t held) {
        int64_t i = 0;
        for (; i + lanes <= length; i += lanes) {
            V v[lanes];
            for (int64_t r = 0; r < lanes; ++r) v[r] = load<T>(from + (i + r) * row);
            interleave<T, lanes>(v);
            for (int64_t c = 0; c < held; ++c) store<T>(to + c * cells + i, v[c]);
        }
        for (; i < length; ++i)
            for (int64_t c = 0; c < held; ++c) to[c * cells + i] = from[i * row + c];
    }

    // Calls what(row, place, length) for rows that follow each other in the gradient, too.
    template <class What>
    void each_run(const KernelBlock& block, int64_t outs, const What& what) const {
        const KernelRange *z = block.axes, *y = block.axes + 1, *x = block.axes + 2;
        if (block.elements == kernel_) {
            what(0, 0, outs * kernel_);
            return;
        }
        int64_t row = 0;
        for (int64_t c = 0; c < outs; ++c)
            for (int64_t i = 0; i < z->count; ++i)
                for (int64_t j = 0; j < y->count; ++j) {
                    const int64_t at = (z->first + i) * layer_.axes[1].kernel + y->first + j;
                    what(row, c * kernel_ + at * layer_.axes[2].kernel + x->first, x->count);
                    row += x->count;
                }
    }

    // Lanes along positions -----------------------------------------------------------------------

    void sum_along(const GradientTask& task, const Tile& tile, Contraction<T> work,
                   const int64_t* places, int64_t rows, T* sums) const {
        work.pitch = ceil_div(work.length, lanes) * lanes;
        Scratch scratch;
        T* const x = scratch.take<T>(work.runs * work.pitch + lanes);
        const int64_t* size = shape_.input;
        for (int64_t c = 0; c < in_; ++c) {
            T* to = x;
            for (int64_t n = 0; n < tile.images; ++n) {
                const int64_t image = (tile.image + n) * layer_.in_channels;
                const T* from = x_ + (image + task.group * in_ + c) * size[0] * size[1] * size[2];
                for (int64_t z = 0; z < tile.count[0]; ++z)
                    for (int64_t y = 0; y < tile.count[1]; ++y, to += work.pitch) {
                        copy(to, from + ((tile.start[0] + z) * size[1] + tile.start[1] + y) *
                                                  size[2] + tile.start[2], work.length);
                        zero(to + work.length, work.pitch - work.length);
                    }
            }
            work.x = x;
            for (int64_t r = 0; r < rows;) {
                const int64_t height = block_rows(rows, r);
                work.row = places + r;
                work.sum = sums + (c * rows + r) * lanes;
                contract_of<T>(static_cast<int>(height), 0)(work);
                r += height;
            }
        }
    }

    void write_along(const GradientTask& task, const KernelBlock& block, int64_t first, int64_t outs, const T* sums,
                     T* weight) const {
        for (int64_t c = 0; c < in_; ++c) {
            T* to = weight + ((task.group * in_ + c) * out_ + first) * kernel_;
            each_run(block, outs, [&](int64_t row, int64_t place, int64_t length) {
                for (int64_t i = 0; i < length; ++i) {
                    T sum = T(0);
                    for (int64_t l = 0; l < lanes; ++l) sum += sums[(row + i) * lanes + l];
                    to[place + i] = sum;
                }
            });
            sums += outs * block.elements * lanes;
        }
    }

    Layer layer_;
    Shape shape_;
    const T* x_;
    T* weight_;
    const T* y_;
    std::vector<KernelBlock> kernel_blocks_;
    Tiles t_;
    bool along_;
    int64_t in_, out_, kernel_, size_;
    int64_t elements_ = 1, planes_ = 1, reach_[3] = {0, 0, 0};
    int64_t step_, in_blocks_, vectors_, width_, out_blocks_, parts_;
};

}  // namespace tconv::TCONV_TARGET
