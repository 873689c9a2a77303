// Strassen's products for layers whose outputs have one tap each, with channels last: Y = X·W, rows of
// X being positions and columns of W phases times output channels. Pairs of neighbouring positions,
// halves of the channels and halves of the columns make a product of two by two, done in seven.
#pragma once

#include <vector>

#include "parts.hpp"
#include "regions.hpp"
#include "tile_product.hpp"

namespace tconv::TCONV_TARGET {

#ifndef SPANEL
#define SPANEL (704 << 10)
#endif
#ifndef SMOST
#define SMOST 96
#endif
#ifndef SCHAIN
#define SCHAIN 128
#endif

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
        Cut t;
        t.range = range_of(layer_, axes_, shape);
        if (!t.range.whole) fill_with_bias(layer_, shape, bias_.data(), y, parallel);
        t.positions = shape.batch * t.range.count[0] * t.range.count[1] * t.range.count[2];
        if (t.positions == 0) return;
        t.streams = bytes_moved<T>(layer_, shape, false) >= streamed_bytes && aligned(y);
        const int64_t tiles = ceil_div(ceil_div(t.positions, 2), tile_rows);
        const int64_t fits = SPANEL / (products * pitch_ * int64_t(sizeof(T)) * tile_rows);
        const int64_t most = max(min(fits, SMOST / tile_rows), 1);
        const int64_t blocks = ceil_div(tiles, most);
        (void)threads;
        parallel(blocks * layer_.groups, [&](int64_t task) {
            const int64_t block = task % blocks;
            run_block(shape, t, task / blocks, tiles * block / blocks * tile_rows,
                      tiles * (block + 1) / blocks * tile_rows, x, y);
        });
    }

  private:
    struct Cut {
        Range range;
        int64_t positions;
        bool streams;
    };

    // Where a position is read and written.
    struct Place {
        int64_t read, write, output[3];
    };

    // Columns of a vector: channels of one phase.
    struct Columns {
        int64_t phase[3], channel, count;
    };

    // Without weights packed.
    Strassen(const Layer& layer, const T* bias) : Base(layer, bias) {
        half_ = ceil_div(in_, 2);
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
                        const T sums[products] = {a + e, a, b - e, d - a, e, a + b, d + e};
                        for (int p = 0; p < products; ++p) to[p * step + c * wide + j] = sums[p];
                    }
                to += products * step;
            }
    }

    void run_block(const Shape& shape, const Cut& t, int64_t group, int64_t first, int64_t end,
                   const T* x, T* y) const {
        thread_local Buffer<T> panel, result;
        thread_local Buffer<Place> places;
        const int64_t pairs = min(end, ceil_div(t.positions, 2)) - first;
        Place* const place = places.grow(2 * pairs);
        for (int64_t i = 0; i < 2 * pairs; ++i) place[i] = place_of(shape, t, 2 * first + i);
        x += group * in_;
        y += group * out_;
        const int64_t step = pairs * pitch_;
        panel.grow(products * step);
        for (int64_t i = 0; i < pairs; ++i)
            add_up(x + place[2 * i].read, x + place[2 * i + 1].read, panel.data() + i * pitch_, step);
        const T* w = packed_.data() + group * group_weights_;
        const T* start = start_.data() + group * 2 * vectors_ * lanes;
        result.grow(products * pairs * tile_columns * lanes);
        const bool whole = t.range.inside && 2 * (first + pairs) <= t.positions;
        for (int64_t v = 0; v < vectors_; v += tile_columns) {
            if (vectors_ - v < tile_columns) {
                multiply<1>(pairs, w, panel.data(), result.data());
                combine<1>(shape, t, whole, place, pairs, v, start, result.data(), y);
            } else {
                multiply<tile_columns>(pairs, w, panel.data(), result.data());
                combine<tile_columns>(shape, t, whole, place, pairs, v, start, result.data(), y);
            }
            w += products * half_ * tile_columns * lanes;
        }
        if (t.streams) fence();
    }

    // Of a position beyond the last: the last's, of which nothing is written.
    Place place_of(const Shape& shape, const Cut& t, int64_t position) const {
        const bool none = position >= t.positions;
        int64_t n = min(position, t.positions - 1);
        Place p{0, 0, {}};
        int64_t read = layer_.in_channels, write = layer_.out_channels;
        for (int a = 2; a >= 0; --a) {
            const int64_t q = t.range.first[a] + n % t.range.count[a];
            n /= t.range.count[a];
            p.output[a] = q * layer_.axes[a].stride - shape.crop[a];
            p.read += q * read;
            p.write += p.output[a] * write;
            if (none) p.output[a] = shape.output[a];
            read *= shape.input[a];
            write *= shape.output[a];
        }
        p.read += n * read;
        p.write += n * write;
        return p;
    }

    // The left sides of the products, of two positions.
    void add_up(const T* one, const T* two, T* to, int64_t step) const {
        typedef typename Lanes<T>::V V;
        const auto read = [&](const T* from, int64_t c) TCONV_INLINED {
            return c + lanes <= in_ ? load<T>(from + c) : load_first<T>(from + c, max(in_ - c, 0));
        };
        for (int64_t c = 0; c < half_; c += lanes, to += lanes) {
            const V a = read(one, c), b = read(one, half_ + c);
            const V d = read(two, c), e = read(two, half_ + c);
            store<T>(to, a + e);
            store<T>(to + step, d + e);
            store<T>(to + 2 * step, a);
            store<T>(to + 3 * step, e);
            store<T>(to + 4 * step, a + b);
            store<T>(to + 5 * step, d - a);
            store<T>(to + 6 * step, b - e);
        }
    }

    template <int N>
    void multiply(int64_t pairs, const T* w, const T* panel, T* to) const {
        constexpr int64_t width = N * lanes;
        const int64_t tiles = ceil_div(pairs, tile_rows);
        const int64_t chunks = ceil_div(half_, SCHAIN), chunk = ceil_div(half_, chunks);
        for (int p = 0; p < products; ++p, panel += pairs * pitch_, to += pairs * width)
            for (int64_t c = 0; c < half_; c += chunk) {
                const int64_t channels = min(chunk, half_ - c);
                for (int64_t i = 0; i < tiles; ++i) {
                    const int64_t first = pairs * i / tiles, rows = pairs * (i + 1) / tiles - first;
                    const TileProduct<T> product{
                        channels, channels, panel + first * pitch_ + c, pitch_, w,
                        w + channels * width + i % N * channels * lanes, to + first * width, width, c > 0};
                    tile_product<T, N>(product, rows);
                }
                w += channels * width;
            }
    }

    template <int N>
    void combine(const Shape& shape, const Cut& t, bool whole, const Place* place, int64_t pairs,
                 int64_t vector, const T* start, const T* from, T* y) const {
        typedef typename Lanes<T>::V V;
        const int64_t step = pairs * N * lanes;
        const Columns* columns[2][N];
        V bias[2][N];
        int64_t offset[2][N];
        const int64_t phase[3] = {shape.output[1] * shape.output[2] * layer_.out_channels,
                                  shape.output[2] * layer_.out_channels, layer_.out_channels};
        for (int h = 0; h < 2; ++h)
            for (int n = 0; n < N; ++n) {
                const int64_t v = h * vectors_ + vector + n;
                const Columns& now = columns_[static_cast<size_t>(v)];
                columns[h][n] = &now;
                bias[h][n] = load<T>(start + v * lanes);
                offset[h][n] = now.channel;
                for (int a = 0; a < 3; ++a) offset[h][n] += now.phase[a] * phase[a];
                whole = whole && now.count == lanes;
            }
        const bool streams = t.streams && layer_.out_channels % lanes == 0 && out_ % lanes == 0;
        const auto put = [&](const Place& at, int h, int n, V v) TCONV_INLINED {
            v += bias[h][n];
            if (layer_.activation == Activation::relu) v = rectified(v);
            T* const to = y + at.write + offset[h][n];
            const Columns& now = *columns[h][n];
            if (!whole) {
                bool inside = true;
                for (int a = 0; a < 3; ++a) {
                    const int64_t o = at.output[a] + now.phase[a];
                    inside = inside && o >= 0 && o < shape.output[a];
                }
                if (!inside) return;
                if (now.count < lanes) return store_first<T>(to, v, now.count);
            }
            if (streams) stream<T>(to, v); else store<T>(to, v);
        };
        for (int64_t i = 0; i < pairs; ++i, place += 2)
#pragma GCC unroll 2
            for (int n = 0; n < N; ++n, from += lanes) {
                V m[products];
#pragma GCC unroll 7
                for (int p = 0; p < products; ++p) m[p] = load<T>(from + p * step);
                put(place[0], 0, n, m[0] + m[3] - m[4] + m[6]);
                put(place[0], 1, n, m[2] + m[4]);
                put(place[1], 0, n, m[1] + m[3]);
                put(place[1], 1, n, m[0] - m[1] + m[2] + m[5]);
            }
    }

    int64_t half_, pitch_;  // channels of a half, and of the panel
    int64_t vectors_, group_weights_;
    std::vector<Columns> columns_;
    Buffer<T> packed_, start_;
};

}  // namespace tconv::TCONV_TARGET
