// Strassen's products for layers whose outputs have one tap each, with channels last: Y = X·W, rows of
// X being positions and columns of W phases times output channels. Pairs of neighbouring positions,
// halves of the channels and halves of the columns make a product of two by two, done in seven.
#pragma once

#include <vector>

#include "parts.hpp"
#include "regions.hpp"
#include "tile_product.hpp"

namespace tconv::TCONV_TARGET {

constexpr int64_t halves_bytes = 704 << 10;  // sums of channels of a block of positions
#ifndef SMOST
#define SMOST 48
#endif
#ifndef SCHAIN
#define SCHAIN 128
#endif
constexpr int64_t most_blocks = 16;         // of a task

template <class T>
class Strassen final : public Packed<T>, Parts<T> {
    typedef Parts<T> Base;
    using Base::axes_, Base::bias_, Base::in_, Base::layer_, Base::out_, Base::part_;
    static constexpr int64_t lanes = Lanes<T>::count;
    static constexpr int products = 7;

  public:
    static const char* refusal(const Layer& layer) {
        if (layer.layout != Layout::channels_last) return "only with channels last";
        for (const Axis& axis : layer.axes) {
            const Shares shares = shares_of(axis);
            if (count_of(shares.shares) > 1 || count_of(shares.shares[0].offsets) > 1)
                return "some outputs have several taps";
        }
        return nullptr;
    }

    Strassen(const Layer& layer, const T* weight, const T* bias) : Strassen(layer, bias) {
        pack(weight);
    }

    void run(const Shape& shape, const T* x, T* y, int threads,
             const Parallel& parallel) const override {
        const Cut t = cut(shape, y);
        if (!t.range.whole) fill_with_bias(layer_, shape, bias_.data(), y, parallel);
        if (t.positions == 0) return;
        const int64_t fair = ceil_div(t.blocks * layer_.groups, tasks_a_thread * threads);
        const int64_t tasks = ceil_div(t.blocks, max(min(fair, most_blocks), 1));
        const int64_t columns = ceil_div(vectors_, tile_columns);
        const int64_t wanted = ceil_div(tasks_a_thread * threads, tasks * layer_.groups);
        const int64_t splits = threads > 1 ? min(columns, wanted) : 1;
        parallel(tasks * layer_.groups * splits, [&](int64_t task) {
            const int64_t split = task % splits, part = task / splits % tasks;
            run_blocks(shape, t, task / splits / tasks, t.blocks * part / tasks,
                       t.blocks * (part + 1) / tasks, columns * split / splits * tile_columns,
                       min(columns * (split + 1) / splits * tile_columns, vectors_), x, y);
        });
    }

  private:
    struct Cut {
        Range range;
        int64_t positions, tiles, blocks;
        bool plain, streams;  // whether vectors are written whole, past the caches
    };

    // Where a position is read and written.
    struct Place {
        int64_t read, write, output[3];
    };

    // Columns of a vector: channels of one phase.
    struct Columns {
        int64_t phase[3], channel, count;
    };

    // Pairs of positions of one group whose products with all columns are computed together.
    struct Block {
        const T* panel;
        const Place* place;
        int64_t pairs, group;
        bool whole;  // whether all its outputs are there
        T* y;
        const T *ahead, *ahead_end;  // what the next block reads
    };

    // Products in an order in which four places hold all that still are needed: where each is kept,
    // and the output that is a sum of what is there by then, by position and half of the columns.
    struct Step {
        int place, position, half;
        bool all;    // of the sum, or the second and `place`, or 
    };

    // Without weights packed.
    Strassen(const Layer& layer, const T* bias) : Base(layer, bias) {
        half_ = ceil_div(in_, 2);
        longest_ = ceil_div(half_, ceil_div(half_, SCHAIN));
        constexpr int64_t line = 64 / sizeof(T);
        pitch_ = (ceil_div(ceil_div(half_, lanes) * lanes, line) | 1) * line;
        const Share* const* axes = part_.data()[0].axes;
        for (const int64_t z : axes[0]->phases)
            for (const int64_t y : axes[1]->phases)
                for (const int64_t x : axes[2]->phases)
                    for (int64_t c = 0; c < out_; c += lanes)
                        columns_.push_back({{z, y, x}, c, min(lanes, out_ - c)});
        vectors_ = ceil_div(count_of(columns_), 2);
        columns_.resize(static_cast<size_t>(2 * vectors_), {{0, 0, 0}, 0, 0});
        start_.grow(layer.groups * 2 * vectors_ * lanes);
        for (int64_t g = 0; g < layer.groups; ++g)
            for (int64_t j = 0; j < 2 * vectors_ * lanes; ++j) {
                const Columns& columns = columns_[static_cast<size_t>(j / lanes)];
                start_.data()[g * 2 * vectors_ * lanes + j] =
                    j % lanes < columns.count ? bias_.data()[g * out_ + columns.channel + j % lanes]
                                              : T(0);
            }
        group_weights_ = products * half_ * vectors_ * lanes;
    }

    // [group][block of columns][product][channel][column]
    void pack(const T* weight) {
        const Axis* axes = layer_.axes;
        const int64_t kernel = axes[0].kernel * axes[1].kernel * axes[2].kernel;
        T* to = packed_.grow(layer_.groups * group_weights_ + lanes * tile_columns * 128);
        for (int64_t g = 0; g < layer_.groups; ++g, weight += in_ * out_ * kernel)
            for (int64_t v = 0; v < vectors_; v += tile_columns) {
                const int64_t wide = min(tile_columns, vectors_ - v) * lanes;
                const int64_t step = half_ * wide;
                for (int64_t c = 0; c < half_; ++c)
                    for (int64_t j = 0; j < wide; ++j) {
                        const auto at = [&](int64_t channel, int64_t vector) {
                            const int64_t n = vector + j / lanes;
                            const Columns& columns = columns_[static_cast<size_t>(n)];
                            if (channel >= in_ || j % lanes >= columns.count) return T(0);
                            const int64_t element = (columns.phase[0] * axes[1].kernel + columns.phase[1]) * axes[2].kernel + columns.phase[2];
                            return weight[(channel * out_ + columns.channel + j % lanes) * kernel + element];
                        };
                        const T a = at(c, v), b = at(c, vectors_ + v);
                        const T d = at(half_ + c, v), e = at(half_ + c, vectors_ + v);
                        const T sums[products] = {a + e, a, b - e, a + b, d - a, e, d + e};
                        for (int p = 0; p < products; ++p) to[p * step + c * wide + j] = sums[p];
                    }
                to += products * step;
            }
    }

    Cut cut(const Shape& shape, const T* y) const {
        Cut t;
        t.range = range_of(layer_, axes_, shape);
        t.positions = shape.batch * t.range.count[0] * t.range.count[1] * t.range.count[2];
        t.tiles = ceil_div(ceil_div(t.positions, 2), tile_rows);
        const int64_t fits = halves_bytes / (products * pitch_ * int64_t(sizeof(T)) * tile_rows);
        t.blocks = ceil_div(t.tiles, max(min(fits, SMOST / 2 / tile_rows), 1));
        t.plain = t.range.inside && out_ % lanes == 0 && layer_.activation <= Activation::relu;
        t.streams = bytes_moved<T>(layer_, shape, false) >= streamed_bytes && aligned(y);
        return t;
    }

    void run_blocks(const Shape& shape, const Cut& t, int64_t group, int64_t first_block,
                    int64_t end_block, int64_t first, int64_t end, const T* x, T* y) const {
        thread_local Buffer<T> panel;
        thread_local Buffer<Place> places;
        const int64_t half = ceil_div(t.positions, 2);
        x += group * in_;
        for (int64_t b = first_block; b < end_block; ++b) {
            const int64_t low = t.tiles * b / t.blocks * tile_rows;
            const int64_t high = t.tiles * (b + 1) / t.blocks * tile_rows;
            const int64_t pairs = min(high, half) - low, step = pairs * pitch_;
            Place* const place = places.grow(2 * pairs);
            find(shape, t, 2 * low, 2 * pairs, place);
            T* const to = panel.grow(products * step);
            for (int64_t i = 0; i < pairs; ++i)
                add_up(x + place[2 * i].read, x + place[2 * i + 1].read, to + i * pitch_, step);
            Block block{to, place, pairs, group, t.plain && 2 * (low + pairs) <= t.positions,
                        y + group * out_, x, x};
            if (b + 1 < end_block) {
                block.ahead = x + place[2 * pairs - 1].read;
                block.ahead_end = block.ahead + 2 * pairs * layer_.in_channels;
            }
            for (int64_t v = first; v < end; v += tile_columns) multiply(shape, t, block, v);
        }
        if (t.streams) fence();
    }

    // Neighbouring positions from `first` on. Beyond the last: that one, with no output.
    void find(const Shape& shape, const Cut& t, int64_t first, int64_t count, Place* to) const {
        const Range& range = t.range;
        int64_t n = min(first, t.positions - 1), at[3], read[3], write[3];
        for (int a = 2; a >= 0; --a) {
            at[a] = n % range.count[a];
            n /= range.count[a];
            read[a] = a == 2 ? layer_.in_channels : read[a + 1] * shape.input[a + 1];
            write[a] = a == 2 ? layer_.out_channels : write[a + 1] * shape.output[a + 1];
        }
        for (int64_t i = 0; i < count; ++i, ++to) {
            if (first + i >= t.positions) {
                *to = to[-1];
                to->output[0] = shape.output[0];
                continue;
            }
            to->read = n * read[0] * shape.input[0];
            to->write = n * write[0] * shape.output[0];
            for (int a = 0; a < 3; ++a) {
                const int64_t q = range.first[a] + at[a];
                to->output[a] = q * layer_.axes[a].stride - shape.crop[a];
                to->read += q * read[a];
                to->write += to->output[a] * write[a];
            }
            if (++at[2] < range.count[2]) continue;
            at[2] = 0;
            if (++at[1] < range.count[1]) continue;
            at[1] = 0;
            if (++at[0] < range.count[0]) continue;
            at[0] = 0;
            ++n;
        }
    }

    // The left sides of the products, of two positions.
    void add_up(const T* one, const T* two, T* to, int64_t step) const {
        typedef typename Lanes<T>::V V;
        const auto put = [=](int64_t c, V a, V b, V d, V e) TCONV_INLINED {
            store<T>(to + c, a + e);
            store<T>(to + c + step, d + e);
            store<T>(to + c + 2 * step, a);
            store<T>(to + c + 3 * step, d - a);
            store<T>(to + c + 4 * step, e);
            store<T>(to + c + 5 * step, a + b);
            store<T>(to + c + 6 * step, b - e);
        };
        int64_t c = 0;
        for (const int64_t other = in_ - half_; c + lanes <= other; c += lanes)
            put(c, load<T>(one + c), load<T>(one + half_ + c), load<T>(two + c),
                load<T>(two + half_ + c));
        const auto rest = [&](const T* from, int64_t end) {
            return end - c < lanes ? load_first<T>(from + c, max(end - c, 0)) : load<T>(from + c);
        };
        if (c < half_)
            put(c, rest(one, half_), rest(one + half_, in_ - half_), rest(two, half_),
                rest(two + half_, in_ - half_));
    }

    void multiply(const Shape& shape, const Cut& t, Block& block, int64_t vector) const {
        thread_local Buffer<T> kept;
        const int64_t pairs = block.pairs, tiles = ceil_div(pairs, tile_rows);
        const int64_t vectors = min(tile_columns, vectors_ - vector), width = vectors * lanes;
        T* const sums = kept.grow(4 * pairs * width);
        const T *w = packed_.data() + block.group * group_weights_ + products * half_ * vector * lanes,
                *panel = block.panel;
        constexpr int places[products] = {0, 1, 2, 3, 3, 1, 2};
        for (int p = 0; p < products; ++p, panel += pairs * pitch_) {
            T* const to = sums + places[p] * pairs * width;
            for (int64_t i = 0; i < tiles; ++i) {
                const int64_t first = pairs * i / tiles, rows = pairs * (i + 1) / tiles - first;
                const T* next = w + half_ * width + i % vectors * half_ * lanes;
                if (i + 1 == tiles && block.ahead < block.ahead_end) {
                    next = block.ahead;
                    block.ahead += half_ * (64 / sizeof(T));
                }
                const TileProduct<T> product{half_, longest_, panel + first * pitch_, pitch_, w,
                                             next, to + first * width, width, false};
                if (vectors == 1)
                    tile_product<T, 1>(product, rows);
                else
                    tile_product<T, tile_columns>(product, rows);
                if (p >= 3) write(shape, t, block, vector, vectors, p, first, rows, sums + first * width);
            }
            w += half_ * width;
        }
    }

    // Outputs of some pairs.
    void write(const Shape& shape, const Cut& t, const Block& block, int64_t vector,
               int64_t vectors, int p, int64_t first, int64_t rows, const T* from) const {
        typedef typename Lanes<T>::V V;
        const int64_t step = block.pairs * vectors * lanes;
        if (p == 3 || p == 5) vector += vectors_;
        const Place* const place = block.place + 2 * first + (p == 3 || p == 4);
        const Columns* const columns = columns_.data() + vector;
        const T* const start = start_.data() + (block.group * 2 * vectors_ + vector) * lanes;
        T* to[tile_columns];
        for (int64_t n = 0; n < vectors; ++n) {
            const int64_t* const phase = columns[n].phase;
            to[n] = block.y + columns[n].channel +
                    ((phase[0] * shape.output[1] + phase[1]) * shape.output[2] + phase[2]) *
                        layer_.out_channels;
        }
        const T *const one = from + (p == 4 ? 3 : 2) * step, *const two = from + step;
        const auto each = [&](const auto& put) TCONV_INLINED {
            int64_t i = 0;
            if (p == 3 || p == 6)
                for (int64_t m = 0; m < rows; ++m)
                    for (int64_t n = 0; n < vectors; ++n, i += lanes)
                        put(place[2 * m], n, load<T>(start + n * lanes) + load<T>(from + i) - load<T>(two + i) + (load<T>(one + i) + load<T>(one + step + i)));
            else
                for (int64_t m = 0; m < rows; ++m)
                    for (int64_t n = 0; n < vectors; ++n, i += lanes)
                        put(place[2 * m], n, load<T>(start + n * lanes) + (load<T>(one + i) + load<T>(two + i)));
        };
        const bool relu = layer_.activation == Activation::relu;
        if (block.whole && t.streams)
            each([&](const Place& at, int64_t n, V v) TCONV_INLINED {
                stream<T>(to[n] + at.write, relu ? rectified(v) : v);
            });
        else if (block.whole)
            each([&](const Place& at, int64_t n, V v) TCONV_INLINED {
                store<T>(to[n] + at.write, relu ? rectified(v) : v);
            });
        else
            each([&](const Place& at, int64_t n, V v) {
                const Columns& now = columns[n];
                for (int a = 0; a < 3; ++a) {
                    const int64_t o = at.output[a] + now.phase[a];
                    if (o < 0 || o >= shape.output[a]) return;
                }
                activate<T>(layer_.activation, layer_.alpha, v);
                store_some<1>(to[n] + at.write, &v, now.count);
            });
    }

    int64_t half_, pitch_;  // channels of a half, and of the panel
    int64_t longest_;
    int64_t vectors_, group_weights_;
    std::vector<Columns> columns_;
    Buffer<T> packed_, start_;
};

}  // namespace tconv::TCONV_TARGET
