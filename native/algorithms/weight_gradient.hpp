// The gradient with respect to the weight: a contraction over positions.
//     dw[ci, co, k] = sum over images n and positions i of x[n, ci, i] · y[n, co, i·s + k·d - crop]
// A row is a (co, k); the lanes lie along ci, or, where there are few ci, along positions.
#pragma once

#include "algorithms/strided.hpp"

namespace tconv::TCONV_TARGET {

constexpr int64_t sum_bytes = 768 << 10;    // sums of one task
constexpr int64_t read_bytes = 384 << 10;   // panel of one task
constexpr int64_t most_vectors = 32;        // of channels in one task
constexpr int64_t longest_step = 1024;       // cells from position to position
constexpr int64_t fewest_tasks = 16;        // that a call is cut into, where it can be
constexpr int64_t parts_bytes = 2 << 20;    // partial gradients of all parts together

// Contraction of one block of rows with one slice of channels over the positions of a tile.
template <class T>
struct Contraction {
    const T* panel;
    const int64_t* row;    // where each row reads in the panel
    const int32_t* run;    // places of the runs, sequences of positions without a gap
    int64_t runs, length;  // and how long each is
    int64_t step;          // of the panel from position to position
    const T* x;            // positions after each other: [position][channel], or [run][position]
    T* sum;                // [row][channel], or [row][lane]
    int64_t pitch;         // of x from run to run
};

template <class T, int M, int N>
void contract(const Contraction<T>& p) {
    constexpr int lanes = Lanes<T>::count;
    typedef typename Lanes<T>::V V;
    V sum[M][N];
    const T* row[M];
    for (int m = 0; m < M; ++m) {
        row[m] = p.panel + p.row[m];
        for (int n = 0; n < N; ++n) {
            sum[m][n] = V{};
            __builtin_prefetch(p.sum + (m * N + n) * lanes, 1);
        }
    }
    const T* x = p.x;
    const int64_t step = p.step;
    for (int64_t r = 0; r < p.runs; ++r) {
        const int64_t end = p.run[r] + p.length * step;
        for (int64_t i = p.run[r]; i < end; i += step, x += N * lanes) {
            V v[N];
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) v[n] = load<T>(x + n * lanes);
#pragma GCC unroll 8
            for (int m = 0; m < M; ++m) {
                const V w = broadcast<T>(row[m][i]);
#pragma GCC unroll 4
                for (int n = 0; n < N; ++n) sum[m][n] += w * v[n];
            }
        }
    }
    for (int m = 0; m < M; ++m)
        for (int n = 0; n < N; ++n) {
            T* const to = p.sum + (m * N + n) * lanes;
            store<T>(to, load<T>(to) + sum[m][n]);
        }
}

// The same with lanes along positions, for one channel: each lane sums every lanes-th position.
template <class T, int M>
void contract_along(const Contraction<T>& p) {
    constexpr int lanes = Lanes<T>::count;
    typedef typename Lanes<T>::V V;
    V sum[M];
    const T* row[M];
    for (int m = 0; m < M; ++m) {
        row[m] = p.panel + p.row[m];
        sum[m] = V{};
    }
    typename Index<T>::type left = static_cast<typename Index<T>::type>(p.length % lanes);
    typedef typename Index<T>::type Mask
        __attribute__((vector_size(sizeof(typename Index<T>::type) * lanes)));
    Mask inside;
    for (int i = 0; i < lanes; ++i) inside[i] = i < left ? -1 : 0;
    for (int64_t r = 0; r < p.runs; ++r) {
        const T* x = p.x + r * p.pitch - p.run[r];
        const int64_t end = p.run[r] + p.length;
        int64_t i = p.run[r];
        for (; i + lanes <= end; i += lanes) {
            const V v = load<T>(x + i);
            for (int m = 0; m < M; ++m) sum[m] += v * load<T>(row[m] + i);
        }
        if (i < end) {
            const V v = load<T>(x + i);  // zeros beyond the end; what the rows hold there is not
            for (int m = 0; m < M; ++m)
                sum[m] += v * (V)((Mask)load<T>(row[m] + i) & inside);
        }
    }
    for (int m = 0; m < M; ++m)
        store<T>(p.sum + m * lanes, load<T>(p.sum + m * lanes) + sum[m]);
}

template <class T>
using Contract = void (*)(const Contraction<T>&);

template <class T, int M>
Contract<T> contract_of(int vectors) {
    if constexpr (max_vectors >= 3)
        if (vectors == 3) return contract<T, M, 3>;
    if constexpr (max_vectors >= 2)
        if (vectors == 2) return contract<T, M, 2>;
    return vectors ? contract<T, M, 1> : contract_along<T, M>;
}

// For so many rows, and vectors of channels; none for lanes along positions.
template <class T>
Contract<T> contract_of(int rows, int vectors) {
    switch (rows) {
        case 1: return contract_of<T, 1>(vectors);
        case 2: return contract_of<T, 2>(vectors);
        case 3: return contract_of<T, 3>(vectors);
        case 4: return contract_of<T, 4>(vectors);
        case 5: return contract_of<T, 5>(vectors);
        case 6: return contract_of<T, 6>(vectors);
        case 7: return contract_of<T, 7>(vectors);
        default: return contract_of<T, 8>(vectors);
    }
}

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
        bool apart[3];
        choose_apart(layer, shape, along_ ? 0 : in_, apart);
        boxes_ = kernel_blocks_of(layer.axes, apart, step_ > 1, sum_cells / width_, max_vectors * lanes,
                          read_cells);
        for (const KernelBlock& box : boxes_) {
            planes_ = max(planes_, box.planes);
            elements_ = max(elements_, box.elements);
            for (int a = 0; a < 3; ++a) reach_[a] = max(reach_[a], box.axes[a].reach);
        }
        cut_positions();
        const int64_t fits =
            max(1, min(sum_cells / (width_ * elements_), read_cells / (planes_ * t_.plane)));
        out_blocks_ = ceil_div(out_, fits);
        const int64_t pieces = layer.groups * static_cast<int64_t>(boxes_.size()) * out_blocks_ *
                               in_blocks_;
        parts_ = min(ceil_div(fewest_tasks, pieces), parts_bytes / (size_ * int64_t(sizeof(T))));
        parts_ = max(min(parts_, t_.all()), 1);
    }

    void run(const Parallel& parallel) const {
        Buffer<T> others((parts_ - 1) * size_ + 1);
        const int64_t boxes = static_cast<int64_t>(boxes_.size());
        parallel(layer_.groups * boxes * out_blocks_ * in_blocks_ * parts_, [&](int64_t task) {
            Piece piece;
            piece.part = task % parts_;
            task /= parts_;
            piece.in = task % in_blocks_;
            task /= in_blocks_;
            piece.out = task % out_blocks_;
            task /= out_blocks_;
            piece.box = task % boxes;
            piece.group = task / boxes;
            T* to = piece.part ? others.data() + (piece.part - 1) * size_ : weight_;
            run_piece(piece, to);
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
    static constexpr int64_t sum_cells = sum_bytes / int64_t(sizeof(T));
    static constexpr int64_t read_cells = read_bytes / int64_t(sizeof(T));

    struct Piece {
        int64_t group, box, out, in, part;
    };

    // A vector that the positions of a run fill badly costs as much as a full one.
    void cut_channels() {
        const int64_t vectors = ceil_div(in_, lanes), length = shape_.input[2];
        along_ = 2 * in_ * ceil_div(length, lanes) < vectors * length;
        in_blocks_ = ceil_div(vectors, most_vectors);
        vectors_ = ceil_div(vectors, in_blocks_);
        in_blocks_ = ceil_div(vectors, vectors_);
        // with lanes along channels any step does, and rows are best left as they are
        const Axis& axis = layer_.axes[2];
        const bool dense = 4 * axis.kernel * axis.dilation >= axis.stride;
        step_ = !along_ && dense && axis.stride <= longest_step ? axis.stride : 1;
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

    void run_piece(const Piece& piece, T* weight) const {
        const KernelBlock& box = boxes_[static_cast<size_t>(piece.box)];
        const int64_t first = out_ * piece.out / out_blocks_;
        const int64_t outs = out_ * (piece.out + 1) / out_blocks_ - first;
        const int64_t rows = outs * box.elements;
        const Reading<T> reading(layer_, shape_, t_.step, y_);
        thread_local Buffer<T> panel, sums, turned;
        thread_local Buffer<int32_t> offsets, runs;
        thread_local Buffer<int64_t> places;
        panel.grow(outs * box.planes * t_.plane + 128);
        sums.grow(rows * width_);
        zero(sums.data(), rows * width_);
        offsets.grow(box.elements);
        fill_offsets(box, t_, offsets.data());
        places.grow(rows);
        for (int64_t r = 0; r < rows; ++r)
            places.data()[r] = r / box.elements * box.planes * t_.plane +
                               offsets.data()[r % box.elements];
        runs.grow(t_.images * t_.tile[0] * t_.tile[1]);
        const int64_t tiles = t_.all();
        for (int64_t i = tiles * piece.part / parts_; i < tiles * (piece.part + 1) / parts_; ++i) {
            const Tile tile = tile_at(t_, i);
            reading.fill(box, t_, tile, piece.group * out_ + first, outs, panel.data());
            Contraction<T> work;
            work.panel = panel.data();
            work.run = runs.data();
            fill_runs(tile, runs.data(), work);
            if (along_)
                sum_along(piece, tile, work, places.data(), rows, turned, sums.data());
            else
                sum_channels(piece, tile, work, places.data(), rows, turned, sums.data());
        }
        if (along_)
            write_along(piece, box, first, outs, sums.data(), weight);
        else
            write(piece, box, first, outs, sums.data(), weight);
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

    static int64_t block_of(int64_t rows, int64_t first) {
        const int64_t blocks = ceil_div(rows, max_rows);
        const int64_t left = ceil_div(rows - first, ceil_div(rows, blocks));
        return ceil_div(rows - first, left);
    }

    static int64_t slice_of(int64_t vectors) {
        return max_vectors == 3 && vectors == 4 ? 2 : min(vectors, max_vectors);
    }

    // Lanes along channels ------------------------------------------------------------------------

    void sum_channels(const Piece& piece, const Tile& tile, Contraction<T> work,
                      const int64_t* places, int64_t rows, Buffer<T>& turned, T* sums) const {
        const int64_t positions = tile.positions();
        // rows of a square that hang over are written too
        T* x = turned.grow(max_vectors * lanes * (positions + lanes));
        int64_t left = ceil_div(channels_of(piece.in), lanes);
        int64_t channel = piece.in * vectors_ * lanes;
        while (left > 0) {
            const int64_t now = slice_of(left);
            for (int64_t v = 0; v < now; ++v)
                transpose(piece.group, channel + v * lanes, tile, x + v * lanes, now * lanes);
            work.x = x;
            for (int64_t r = 0; r < rows;) {
                const int64_t height = block_of(rows, r);
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
                    turn_run(from, cells, held, length, end, to, row);
                    to += length * row;
                }
        }
    }

    static void turn_run(const T* from, int64_t cells, int64_t held, int64_t length, const T* end,
                         T* to, int64_t row) {
        int64_t i = 0;
        const int64_t least = lanes / 4;  // of a square that is worth turning
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
    void write(const Piece& piece, const KernelBlock& box, int64_t first, int64_t outs, const T* sums,
               T* weight) const {
        const int64_t rows = outs * box.elements;
        int64_t channel = piece.in * vectors_ * lanes;
        int64_t left = ceil_div(channels_of(piece.in), lanes);
        while (left > 0) {
            const int64_t now = slice_of(left);
            for (int64_t v = 0; v < now; ++v, channel += lanes) {
                T* to = weight + ((piece.group * in_ + channel) * out_ + first) * kernel_;
                each_run(box, outs, [&](int64_t row, int64_t place, int64_t length) {
                    turn_back(sums + row * now * lanes + v * lanes, now * lanes, length,
                              to + place, out_ * kernel_, min(lanes, in_ - channel));
                });
            }
            sums += rows * now * lanes;
            left -= now;
        }
    }

    static void turn_back(const T* from, int64_t row, int64_t length, T* to, int64_t cells,
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
    void each_run(const KernelBlock& box, int64_t outs, const What& what) const {
        const KernelRange *z = box.axes, *y = box.axes + 1, *x = box.axes + 2;
        if (box.elements == kernel_) {
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

    void sum_along(const Piece& piece, const Tile& tile, Contraction<T> work,
                   const int64_t* places, int64_t rows, Buffer<T>& copied, T* sums) const {
        work.pitch = ceil_div(work.length, lanes) * lanes;
        T* x = copied.grow(work.runs * work.pitch + lanes);
        const int64_t* size = shape_.input;
        for (int64_t c = 0; c < in_; ++c) {
            T* to = x;
            for (int64_t n = 0; n < tile.images; ++n) {
                const int64_t image = (tile.image + n) * layer_.in_channels;
                const T* from = x_ + (image + piece.group * in_ + c) * size[0] * size[1] * size[2];
                for (int64_t z = 0; z < tile.count[0]; ++z)
                    for (int64_t y = 0; y < tile.count[1]; ++y, to += work.pitch) {
                        copy(to, from + ((tile.start[0] + z) * size[1] + tile.start[1] + y) *
                                                  size[2] + tile.start[2], work.length);
                        zero(to + work.length, work.pitch - work.length);
                    }
            }
            work.x = x;
            for (int64_t r = 0; r < rows;) {
                const int64_t height = block_of(rows, r);
                work.row = places + r;
                work.sum = sums + (c * rows + r) * lanes;
                contract_of<T>(static_cast<int>(height), 0)(work);
                r += height;
            }
        }
    }

    void write_along(const Piece& piece, const KernelBlock& box, int64_t first, int64_t outs, const T* sums,
                     T* weight) const {
        for (int64_t c = 0; c < in_; ++c) {
            T* to = weight + ((piece.group * in_ + c) * out_ + first) * kernel_;
            each_run(box, outs, [&](int64_t row, int64_t place, int64_t length) {
                for (int64_t i = 0; i < length; ++i) {
                    T sum = T(0);
                    for (int64_t l = 0; l < lanes; ++l) sum += sums[(row + i) * lanes + l];
                    to[place + i] = sum;
                }
            });
            sums += outs * box.elements * lanes;
        }
    }

    Layer layer_;
    Shape shape_;
    const T* x_;
    T* weight_;
    const T* y_;
    std::vector<KernelBlock> boxes_;
    Tiles t_;
    bool along_;
    int64_t in_, out_, kernel_, size_;
    int64_t elements_ = 1, planes_ = 1, reach_[3] = {0, 0, 0};
    int64_t step_, in_blocks_, vectors_, width_, out_blocks_, parts_;
};

}  // namespace tconv::TCONV_TARGET
