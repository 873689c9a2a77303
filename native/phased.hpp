// The phase product: every phase of a tile of positions by one register-blocked product over a
// panel in which the input's rows lie side by side, so that a tap is a constant distance.
#pragma once

#include <algorithm>

#include "activations.hpp"
#include "cost.hpp"
#include "micro.hpp"
#include "shares.hpp"

namespace tconv::TCONV_TARGET {

constexpr int64_t panel_bytes = 512 << 10;    // fits the second-level cache beside a block of weights
constexpr int64_t product_bytes = 256 << 10;  // products of one tile, waiting to be interleaved
constexpr int64_t widest_tile = 1024;         // positions
constexpr int64_t product_rows = 64;          // rows that one block of output channels aims at
constexpr int64_t tasks_a_thread = 4;
constexpr int64_t streamed_bytes = 24 << 20;  // of an output that no cache would hold

TCONV_INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
TCONV_INLINE int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }
TCONV_INLINE int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
TCONV_INLINE int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }

// How one call's positions are cut, and how a tile of them lies in the panel.
struct Tiling {
    int64_t first[3], count[3];     // positions q of each axis
    int64_t tile[3], tiles[3];      // positions in a tile, tiles
    int64_t images, image_tiles;    // images in a tile, tiles
    int64_t pitch[3];               // cells of the panel: planes, rows, cells of a row
    int64_t plane;                  // cells of one channel
    int64_t width;                  // positions of a whole tile, the gaps between rows included
    int64_t row;                    // distance between rows of the products
    bool streams;                   // whether the output goes past the caches
    bool whole;                     // whether every output is at one of the positions, in a phase
};

// One product of a block of output channels: the same taps for all of its rows.
struct Part {
    const Share* axes[3];
    int64_t phases, taps;
    int64_t first_phase;   // of its rows among those of the block, in phases
    int64_t first_offset;  // in the table of offsets
};

template <class T>
class Phased : public Packed<T> {
  public:
    static const char* refusal(const Layer& layer) {
        return layer.layout == Layout::channels_first ? nullptr
                                                      : "its lanes lie along positions, channels first";
    }

    Phased(const Layer& layer, const T* weight, const T* bias) : Phased(layer, bias) {
        pack(weight);
    }

    // What this costs: products over whole vectors, gaps between rows included; the panel filled
    // and the products written, a vector at a time.
    static Cost cost(const Layer& layer, const Shape& shape, int threads) {
        const Phased plain(layer, nullptr);
        const Tiling t = plain.tiling(shape, threads);
        const double lanes = Lanes<T>::count, out = static_cast<double>(plain.out_);
        const double tiles = static_cast<double>(t.image_tiles * t.tiles[0] * t.tiles[1] *
                                                 t.tiles[2] * layer.groups);
        const double vectors = static_cast<double>(ceil_div(t.width, Lanes<T>::count));
        const double in = static_cast<double>(plain.in_);
        Cost c;
        c.products = tiles * vectors * in * out * static_cast<double>(plain.taps_);
        c.others = tiles * (in * 2 * static_cast<double>(t.plane) / lanes +
                            5 * out * static_cast<double>(plain.phases_) * vectors);
        c.bytes = plain.moved(shape);
        c.packing = static_cast<double>(layer.groups) * in * out * static_cast<double>(plain.taps_);
        c.tasks = static_cast<int64_t>(tiles);
        return c;
    }

    void run(const Shape& shape, const T* x, T* y, int threads,
             const Parallel& parallel) const override {
        const Tiling t = tiling(shape, threads);
        Buffer<int32_t> offsets(max(1, offsets_));
        fill_offsets(t, offsets.data());
        if (!t.whole) fill(shape, y, parallel);
        const int64_t tiles = t.image_tiles * t.tiles[0] * t.tiles[1] * t.tiles[2];
        if (tiles == 0) return;
        const int64_t whole = tiles * layer_.groups;
        const int64_t splits =
            threads > 1 ? min(blocks_, ceil_div(tasks_a_thread * threads, whole)) : 1;
        const int32_t* table = offsets.data();
        parallel(whole * splits, [&, table](int64_t task) {
            const int64_t split = task % splits, tile = task / splits % tiles;
            run_tile(shape, t, table, x, y, task / splits / tiles, tile,
                     blocks_ * split / splits, blocks_ * (split + 1) / splits);
        });
    }

  protected:
    // Without weights packed.
    Phased(const Layer& layer, const T* bias) : layer_(layer) {
        in_ = layer.in_channels / layer.groups;
        out_ = layer.out_channels / layer.groups;
        for (int a = 0; a < 3; ++a) axes_[a] = shares_of(layer.axes[a]);
        make_parts();
        const int64_t blocks = ceil_div(out_, max(1, product_rows / phases_));
        block_ = ceil_div(out_, blocks);
        blocks_ = ceil_div(out_, block_);
        bias_.grow(layer.out_channels);
        for (int64_t c = 0; c < layer.out_channels; ++c) bias_.data()[c] = bias ? bias[c] : T(0);
    }

    // Bytes that input and output are.
    double moved(const Shape& shape) const {
        double in = static_cast<double>(layer_.in_channels), out = static_cast<double>(layer_.out_channels);
        for (int a = 0; a < 3; ++a) {
            in *= static_cast<double>(shape.input[a]);
            out *= static_cast<double>(shape.output[a]);
        }
        return static_cast<double>(shape.batch) * (in + out) * sizeof(T);
    }

    void make_parts() {
        parts_ = 0;
        part_.grow(static_cast<int64_t>(axes_[0].shares.size() * axes_[1].shares.size() *
                                        axes_[2].shares.size()));
        phases_ = offsets_ = taps_ = 0;
        for (const Share& z : axes_[0].shares)
            for (const Share& y : axes_[1].shares)
                for (const Share& x : axes_[2].shares) {
                    const int64_t phases = size(z.phases) * size(y.phases) * size(x.phases);
                    const int64_t taps = size(z.offsets) * size(y.offsets) * size(x.offsets);
                    part_.data()[parts_++] = {{&z, &y, &x}, phases, taps, phases_, offsets_};
                    phases_ += phases;
                    offsets_ += taps;
                    taps_ += phases * taps;
                }
    }

    template <class Vector>
    static int64_t size(const Vector& v) {
        return static_cast<int64_t>(v.size());
    }

    // Rows of a product are cut into blocks of nearly equal height, at most max_rows.
    static int64_t block_rows(int64_t rows, int64_t first) {
        const int64_t blocks = ceil_div(rows, max_rows);
        const int64_t left = ceil_div(rows - first, ceil_div(rows, blocks));
        return ceil_div(rows - first, left);
    }

    // Weights of (group, block, part) lie in that order, as [rows][channel][tap][row].
    void pack(const T* weight) {
        T* to = packed_.grow(layer_.groups * in_ * out_ * taps_ + 16);
        start_.grow(layer_.groups * phases_ * out_ + 1);
        const Axis* axes = layer_.axes;
        const int64_t kernel = axes[0].kernel * axes[1].kernel * axes[2].kernel;
        Buffer<int64_t> places(max_rows * max(1, offsets_));
        for (int64_t g = 0; g < layer_.groups; ++g)
            for (int64_t b = 0; b < blocks_; ++b) {
                const int64_t first = b * block_, channels = min(block_, out_ - first);
                for (int64_t r = 0; r < phases_ * channels; ++r)
                    start_.data()[(g * out_ + first) * phases_ + r] =
                        bias_.data()[g * out_ + first + r % channels];
                for (int64_t p = 0; p < parts_; ++p) {
                    const Part& part = part_.data()[p];
                    const int64_t rows = part.phases * channels;
                    for (int64_t r = 0; r < rows;) {
                        const int64_t height = block_rows(rows, r);
                        for (int64_t tap = 0; tap < part.taps; ++tap)
                            for (int64_t m = 0; m < height; ++m)
                                places.data()[tap * height + m] =
                                    (first + (r + m) % channels) * kernel +
                                    kernel_of(part, (r + m) / channels, tap);
                        const int64_t cells = part.taps * height;
                        for (int64_t c = 0; c < in_; ++c) {
                            const T* from = weight + (g * in_ + c) * out_ * kernel;
                            for (int64_t i = 0; i < cells; ++i) *to++ = from[places.data()[i]];
                        }
                        r += height;
                    }
                }
            }
    }

    int64_t kernel_of(const Part& part, int64_t phase, int64_t tap) const {
        int64_t at[3];
        for (int a = 2; a >= 0; --a) {
            const Share& share = *part.axes[a];
            at[a] = share.kernels[phase % size(share.phases)][tap % size(share.offsets)];
            phase /= size(share.phases);
            tap /= size(share.offsets);
        }
        return (at[0] * layer_.axes[1].kernel + at[1]) * layer_.axes[2].kernel + at[2];
    }

    Tiling tiling(const Shape& shape, int threads) const {
        Tiling t;
        int64_t reach[3];
        const int64_t cells = shape.output[0] * shape.output[1] * shape.output[2];
        t.streams =
            shape.batch * layer_.out_channels * cells * int64_t(sizeof(T)) >= streamed_bytes;
        t.whole = true;
        for (int a = 0; a < 3; ++a) {
            const Axis& axis = layer_.axes[a];
            const int64_t start = floor_div(shape.crop[a], axis.stride);
            const int64_t end = floor_div(shape.output[a] - 1 + shape.crop[a], axis.stride);
            // some tap reaches the input only from here to there
            const int64_t low = max(start, axes_[a].low);
            const int64_t high = min(end, shape.input[a] - 1 + axes_[a].high);
            int64_t phases = 0;
            for (const Share& share : axes_[a].shares) phases += size(share.phases);
            t.whole = t.whole && low == start && high == end && phases == axis.stride;
            t.first[a] = low;
            t.count[a] = max(high - low + 1, 0);
            reach[a] = axes_[a].high - axes_[a].low;
        }
        int64_t widest = min(widest_tile, product_bytes / (phases_ * block_ * int64_t(sizeof(T))));
        widest = min(widest, panel_bytes / (in_ * int64_t(sizeof(T))));
        widest = max(widest, max_vectors * Lanes<T>::count);
        const int64_t positions = shape.batch * t.count[0] * t.count[1] * t.count[2];
        const int64_t fair = positions * layer_.groups / (tasks_a_thread * threads);
        if (threads > 1) widest = min(widest, max(fair, 4 * max_vectors * Lanes<T>::count));
        int64_t room = widest;
        for (int a = 2; a >= 0; --a) {
            const int64_t fits = max(1, room - (a == 2 ? reach[a] : 0));
            t.tiles[a] = max(1, ceil_div(t.count[a], fits));
            t.tile[a] = ceil_div(t.count[a], t.tiles[a]);
            t.tiles[a] = t.tile[a] ? ceil_div(t.count[a], t.tile[a]) : 0;
            t.pitch[a] = t.tile[a] + reach[a];
            room = t.tiles[a] > 1 ? 1 : max(1, room / max(1, t.pitch[a]));
        }
        t.images = min(max(shape.batch, 1), room);
        t.image_tiles = ceil_div(shape.batch, t.images);
        const int64_t panel = t.images * t.pitch[0] * t.pitch[1] * t.pitch[2];
        t.width = max(position(t, t.images - 1, t.tile[0] - 1, t.tile[1] - 1, t.tile[2] - 1) + 1, 0);
        t.plane = (ceil_div(panel, 16) | 1) * 16;
        t.row = (ceil_div(t.width, 16) | 1) * 16;
        return t;
    }

    // Every output is what the bias alone makes it; those that inputs reach are written again.
    void fill(const Shape& shape, T* y, const Parallel& parallel) const {
        const int64_t cells = shape.output[0] * shape.output[1] * shape.output[2];
        parallel(shape.batch, [&](int64_t image) {
            T* to = y + image * layer_.out_channels * cells;
            for (int64_t c = 0; c < layer_.out_channels; ++c) {
                const T value = activated(layer_, bias_.data()[c]);
                for (int64_t i = 0; i < cells; ++i) *to++ = value;
            }
        });
    }

    static int64_t position(const Tiling& t, int64_t image, int64_t z, int64_t y, int64_t x) {
        return ((image * t.pitch[0] + z) * t.pitch[1] + y) * t.pitch[2] + x;
    }

    void fill_offsets(const Tiling& t, int32_t* table) const {
        for (int64_t p = 0; p < parts_; ++p)
            for (const int64_t z : part_.data()[p].axes[0]->offsets)
                for (const int64_t y : part_.data()[p].axes[1]->offsets)
                    for (const int64_t x : part_.data()[p].axes[2]->offsets)
                        *table++ = static_cast<int32_t>(position(
                            t, 0, axes_[0].high - z, axes_[1].high - y, axes_[2].high - x));
    }

    void run_tile(const Shape& shape, const Tiling& t, const int32_t* offsets, const T* x, T* y,
                  int64_t group, int64_t tile, int64_t first_block, int64_t end_block) const {
        int64_t start[3], count[3];
        for (int a = 2; a >= 0; --a) {
            const int64_t at = tile % t.tiles[a] * t.tile[a];
            start[a] = t.first[a] + at;
            count[a] = min(t.tile[a], t.count[a] - at);
            tile /= t.tiles[a];
        }
        const int64_t image = tile * t.images, images = min(t.images, shape.batch - image);
        thread_local Buffer<T> panel, products;
        panel.grow(in_ * t.plane + 128);
        products.grow(phases_ * block_ * t.row + 128);
        fill_panel(shape, t, start, count, image, images, x, group, panel.data());
        const int64_t width = position(t, images - 1, count[0] - 1, count[1] - 1, count[2] - 1) + 1;
        for (int64_t b = first_block; b < end_block; ++b) {
            multiply(t, offsets, group, b, width, panel.data(), products.data());
            const int64_t channel = b * block_;
            write(shape, t, start, count, image, images, group, channel,
                  min(block_, out_ - channel), products.data(), t.row, y);
        }
        if (t.streams) fence();
    }

    void fill_panel(const Shape& shape, const Tiling& t, const int64_t* start, const int64_t* count,
                    int64_t image, int64_t images, const T* x, int64_t group, T* panel) const {
        const int64_t *in = shape.input, *pitch = t.pitch;
        int64_t from[3], before[3], held[3], cells[3];
        for (int a = 0; a < 3; ++a) {
            from[a] = start[a] - axes_[a].high;
            cells[a] = count[a] + axes_[a].high - axes_[a].low;
            before[a] = min(max(-from[a], 0), cells[a]);
            held[a] = max(min(in[a] - from[a], cells[a]) - before[a], 0);
        }
        const int64_t after = cells[2] - before[2] - held[2];
        for (int64_t c = 0; c < in_; ++c)
            for (int64_t n = 0; n < images; ++n)
                for (int64_t z = 0; z < cells[0]; ++z)
                    for (int64_t row = 0; row < cells[1]; ++row) {
                        T* to = panel + c * t.plane + ((n * pitch[0] + z) * pitch[1] + row) * pitch[2];
                        if (z < before[0] || z >= before[0] + held[0] || row < before[1] ||
                            row >= before[1] + held[1]) {
                            zero(to, cells[2]);
                            continue;
                        }
                        const int64_t channel =
                            ((image + n) * layer_.groups + group) * in_ + c;
                        const T* source = x + ((channel * in[0] + from[0] + z) * in[1] + from[1] +
                                               row) * in[2] + from[2] + before[2];
                        zero(to, before[2]);
                        copy(to + before[2], source, held[2]);
                        zero(to + before[2] + held[2], after);
                    }
    }

    static TCONV_INLINE void zero(T* to, int64_t count) {
        for (int64_t i = 0; i < count; ++i) to[i] = T(0);
    }

    static TCONV_INLINE void copy(T* to, const T* from, int64_t count) {
        constexpr int64_t lanes = Lanes<T>::count;
        int64_t i = 0;
        for (; i + lanes <= count; i += lanes) store<T>(to + i, load<T>(from + i));
        for (; i < count; ++i) to[i] = from[i];
    }

    void multiply(const Tiling& t, const int32_t* offsets, int64_t group, int64_t block,
                  int64_t width, const T* panel, T* products) const {
        const int64_t first = block * block_, channels = min(block_, out_ - first);
        const T* a = packed_.data() + (group * out_ + first) * in_ * taps_;
        const T* bias = start_.data() + (group * out_ + first) * phases_;
        for (int64_t p = 0; p < parts_; ++p) {
            const Part& part = part_.data()[p];
            const int64_t rows = part.phases * channels, top = part.first_phase * channels;
            for (int64_t r = 0; r < rows;) {
                const int64_t height = block_rows(rows, r);
                Product<T> product{in_, part.taps, t.plane, offsets + part.first_offset, a, panel,
                                   products + (top + r) * t.row, t.row, bias + top + r,
                                   layer_.activation == Activation::relu};
                sweep(product, height, width);
                a += in_ * part.taps * height;
                r += height;
            }
        }
        if (layer_.activation > Activation::relu)
            for (int64_t r = 0; r < phases_ * channels; ++r) activate(products + r * t.row, width);
    }

    static void sweep(Product<T> product, int64_t rows, int64_t width) {
        constexpr int64_t lanes = Lanes<T>::count;
        for (int64_t vectors = ceil_div(width, lanes); vectors > 0;) {
            // four vectors are better cut 2 + 2 than 3 + 1
            const int64_t now = max_vectors == 3 && vectors == 4 ? 2 : min(vectors, max_vectors);
            micro_of<T>(static_cast<int>(rows), static_cast<int>(now))(product);
            product.b += now * lanes;
            product.c += now * lanes;
            vectors -= now;
        }
    }

    void activate(T* row, int64_t count) const {
        for (int64_t i = 0; i < count; ++i) row[i] = activated(layer_, row[i]);
    }

    // Rows of the products to rows of the output: crop, interleave the phases of the last axis.
    void write(const Shape& shape, const Tiling& t, const int64_t* start, const int64_t* count,
               int64_t image, int64_t images, int64_t group, int64_t first, int64_t channels,
               const T* products, int64_t product_row, T* y) const {
        const int64_t *out = shape.output, *crop = shape.crop;
        const Axis* axes = layer_.axes;
        for (int64_t p = 0; p < parts_; ++p) {
            const Part& part = part_.data()[p];
            const auto &zs = part.axes[0]->phases, &ys = part.axes[1]->phases;
            const auto& xs = part.axes[2]->phases;
            for (int64_t n = 0; n < images; ++n)
                for (int64_t c = 0; c < channels; ++c) {
                    T* channel = y + ((image + n) * layer_.out_channels + group * out_ + first + c) *
                                         out[0] * out[1] * out[2];
                    for (int64_t z = 0; z < count[0]; ++z)
                        for (int64_t iz = 0; iz < size(zs); ++iz) {
                            const int64_t oz = (start[0] + z) * axes[0].stride + zs[iz] - crop[0];
                            if (oz < 0 || oz >= out[0]) continue;
                            for (int64_t row = 0; row < count[1]; ++row)
                                for (int64_t iy = 0; iy < size(ys); ++iy) {
                                    const int64_t oy =
                                        (start[1] + row) * axes[1].stride + ys[iy] - crop[1];
                                    if (oy < 0 || oy >= out[1]) continue;
                                    const int64_t phase =
                                        part.first_phase + (iz * size(ys) + iy) * size(xs);
                                    const T* from = products + (phase * channels + c) * product_row +
                                                    position(t, n, z, row, 0);
                                    write_row(channel + (oz * out[1] + oy) * out[2], out[2],
                                              start[2] * axes[2].stride - crop[2],
                                              axes[2].stride, xs.data(), size(xs), count[2], from,
                                              channels * product_row, t.streams);
                                }
                        }
                }
        }
    }

    // to[at + x·stride + phase] = from[phase][x], as far as it lies in [0, length)
    static void write_row(T* to, int64_t length, int64_t at, int64_t stride, const int64_t* phases,
                          int64_t phase_count, int64_t count, const T* from, int64_t phase_row,
                          bool streams) {
        constexpr int64_t lanes = Lanes<T>::count;
        // positions whose every phase lies inside
        int64_t low = 0, high = count;
        low = min(max(ceil_div(max(-at - phases[0], 0), stride), 0), count);
        const int64_t room = length - at - phases[phase_count - 1];
        high = max(min(count, room > 0 ? ceil_div(room, stride) : 0), low);
        for (int64_t p = 0; p < phase_count; ++p)
            for (int64_t x = 0; x < count; ++x) {
                if (x == low) x = high;
                if (x >= count) break;
                const int64_t o = at + x * stride + phases[p];
                if (o >= 0 && o < length) to[o] = from[p * phase_row + x];
            }
        to += at;
        int64_t x = low;
        if (phase_count == stride) {
            if (stride == 1) x = write_interleaved<1>(to, from, phase_row, x, high, streams);
            if (stride == 2) x = write_interleaved<2>(to, from, phase_row, x, high, streams);
            if (stride == 3) x = write_threes(to, from, phase_row, x, high);
            if (stride == 4) x = write_interleaved<4>(to, from, phase_row, x, high, streams);
            if (stride == 8) x = write_interleaved<8>(to, from, phase_row, x, high, streams);
            if (stride >= lanes && stride > 8) x = write_turned(to, stride, from, phase_row, x, high);
        }
        for (; x < high; ++x)
            for (int64_t p = 0; p < phase_count; ++p)
                to[x * stride + phases[p]] = from[p * phase_row + x];
    }

    template <int S>
    static int64_t write_interleaved(T* to, const T* from, int64_t phase_row, int64_t x,
                                     int64_t high, bool streams) {
        constexpr int64_t lanes = Lanes<T>::count;
        typename Lanes<T>::V v[S];
        const auto read = [&] {
            for (int i = 0; i < S; ++i) v[i] = load<T>(from + i * phase_row + x);
            interleave<T, S>(v);
        };
        int64_t before = 0;  // positions to the first one whose place is aligned
        while (before < lanes && !aligned(to + S * (x + before))) ++before;
        if (S <= 2 && streams && before < lanes && x + before + lanes <= high) {
            read();
            copy_some<S>(to + S * x, v, S * before);
            for (x += before; x + lanes <= high; x += lanes) {
                read();
                for (int i = 0; i < S; ++i) stream<T>(to + S * x + i * lanes, v[i]);
            }
        }
        for (; x < high; x += lanes) {
            read();
            store_some<S>(to + S * x, v, S * (high - x));
        }
        return high;
    }

    static int64_t write_threes(T* to, const T* from, int64_t phase_row, int64_t x, int64_t high) {
        constexpr int64_t lanes = Lanes<T>::count;
        for (; x < high; x += lanes) {
            const auto a = load<T>(from + x), b = load<T>(from + phase_row + x);
            const auto c = load<T>(from + 2 * phase_row + x);
            const typename Lanes<T>::V v[3] = {interleaved<T, 0>(a, b, c), interleaved<T, 1>(a, b, c),
                                               interleaved<T, 2>(a, b, c)};
            store_some<3>(to + 3 * x, v, 3 * (high - x));
        }
        return high;
    }

    // Stores as many cells of S vectors as there are.
    template <int S>
    static TCONV_INLINE void store_some(T* to, const typename Lanes<T>::V* v, int64_t cells) {
        constexpr int64_t lanes = Lanes<T>::count;
        if (cells >= S * lanes) {
            for (int i = 0; i < S; ++i) store<T>(to + i * lanes, v[i]);
        } else {
            copy_some<S>(to, v, cells);
        }
    }

    template <int S>
    static TCONV_INLINE void copy_some(T* to, const typename Lanes<T>::V* v, int64_t cells) {
        constexpr int64_t lanes = Lanes<T>::count;
        T cell[S * lanes];
        for (int i = 0; i < S; ++i) store<T>(cell + i * lanes, v[i]);
        copy(to, cell, cells);
    }

    // Strides of at least a vector: squares of positions and phases, turned.
    static int64_t write_turned(T* to, int64_t stride, const T* from, int64_t phase_row, int64_t x,
                                int64_t high) {
        constexpr int lanes = Lanes<T>::count;
        for (; x + lanes <= high; x += lanes) {
            int64_t p = 0;
            for (; p + lanes <= stride; p += lanes) {
                typename Lanes<T>::V v[lanes];
                for (int i = 0; i < lanes; ++i) v[i] = load<T>(from + (p + i) * phase_row + x);
                interleave<T, lanes>(v);
                for (int i = 0; i < lanes; ++i) store<T>(to + (x + i) * stride + p, v[i]);
            }
            for (; p < stride; ++p)
                for (int i = 0; i < lanes; ++i)
                    to[(x + i) * stride + p] = from[p * phase_row + x + i];
        }
        return x;
    }

    Layer layer_;
    int64_t in_, out_, block_, blocks_;
    int64_t parts_, phases_, offsets_, taps_;
    Shares axes_[3];
    Buffer<Part> part_;
    Buffer<T> packed_, start_, bias_;
};

}  // namespace tconv::TCONV_TARGET
