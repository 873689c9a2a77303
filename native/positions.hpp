// The phase product with lanes along positions. The input's rows of a tile lie side by side in a
// panel, so that a tap is a constant distance.
// Rows of products of a few channels wait in the nearest caches to be interleaved into the output.
#pragma once

#include "parts.hpp"

namespace tconv::TCONV_TARGET {

constexpr int64_t waiting_rows = 24;           // of products, before they are written
constexpr int64_t waiting_bytes = 256 << 10;   // of products
constexpr int64_t channels_ahead = 2;          // asked from memory while one is copied

// By measurement, in vector multiply-adds:
constexpr double one_tap_cost = 1.09;  // a product where nothing in the panel is read twice
constexpr double packed_cost = 6;      // a weight packed

// How one call's positions are cut, and how a tile of them lies in the panel.
struct Cut {
    int64_t first[3], count[3];    // positions q of each axis
    int64_t input[3];              // cells of the input, as the positions are laid out
    int64_t tile[3], tiles[3];     // positions in a tile, tiles
    int64_t images, image_tiles;   // images in a tile, tiles
    int64_t pitch[3];              // cells of the panel: planes, rows, cells of a row
    int64_t plane;                 // cells of one channel
    int64_t width;                 // positions of a whole tile, the gaps between rows included
    int64_t row;                   // distance between rows of the products
    int64_t low, high;             // positions along the last axis whose every phase lies inside
    bool flat;      // positions of an image are one line, as no tap is beside another
    bool streams;   // the output goes past the caches
    bool whole;     // every output is at one of the positions, in a phase
    bool inside;    // every phase of every position is in the output
};

template <class T>
class Positions final : public Packed<T>, Parts<T> {
    using Parts<T>::layer_, Parts<T>::in_, Parts<T>::out_, Parts<T>::axes_, Parts<T>::bias_;
    static constexpr int64_t lanes = Lanes<T>::count;
    typedef typename Lanes<T>::V V;

    // Rows that are computed and written together: some phases of the first two axes, with all of
    // the last, of some output channels.
    struct Block {
        const Share *z, *y;
        int64_t phase, phases;      // of the first two axes, counted within their shares
        int64_t channel, channels;
        int64_t offsets;            // where those of its taps begin
        int64_t weights, row;       // where its packed weights and its rows begin, in a group
    };

    // Positions x .. x + size of one row, at `at` among the products. Phase 0 of the first of them
    // goes to row (z, y) of the output, `to` cells from where the tile's first image begins.
    struct Piece {
        int64_t at, x, size, z, y, to;
    };

    static constexpr int64_t step = max_vectors * lanes;

  public:
    static const char* refusal(const Layer& layer) {
        return layer.layout == Layout::channels_first ? nullptr
                                                      : "its lanes lie along positions, channels first";
    }

    static Cost cost(const Layer& layer, const Shape& shape, int threads) {
        const Positions plain(layer, nullptr);
        const Cut t = plain.cut(shape, threads);
        const double out = static_cast<double>(plain.out_), in = static_cast<double>(plain.in_);
        const double tiles = static_cast<double>(t.image_tiles * t.tiles[0] * t.tiles[1] *
                                                 t.tiles[2] * layer.groups);
        const double vectors = static_cast<double>(ceil_div(t.width, lanes));
        const double rows = out * static_cast<double>(plain.phases_);
        Cost c;
        c.products = tiles * vectors * in * out * static_cast<double>(plain.taps_);
        if (plain.offset_count_ == 1) c.products *= one_tap_cost;
        c.others = tiles * vectors * rows * 3 +
                   tiles * static_cast<double>(t.images * t.tile[0] * t.tile[1]) * rows * 2;
        c.others += tiles * in * 2 * static_cast<double>(t.plane) / static_cast<double>(lanes);
        c.bytes = bytes_moved<T>(layer, shape);
        c.packing = packed_cost * static_cast<double>(layer.groups) * in * out *
                    static_cast<double>(plain.taps_);
        c.tasks = static_cast<int64_t>(tiles);
        return c;
    }

    Positions(const Layer& layer, const T* weight, const T* bias) : Positions(layer, bias) {
        pack(weight);
    }

    void run(const Shape& shape, const T* x, T* y, int threads,
             const Parallel& parallel) const override {
        const Cut t = cut(shape, threads);
        if (!t.whole) fill_with_bias(layer_, shape, bias_.data(), y, parallel);
        const int64_t tiles = t.image_tiles * t.tiles[0] * t.tiles[1] * t.tiles[2];
        if (tiles == 0) return;
        Buffer<int32_t> offsets(offset_count_);
        fill_offsets(t.pitch, offsets.data());
        const int32_t* table = offsets.data();
        const int64_t blocks = count_of(blocks_), whole = tiles * layer_.groups;
        const int64_t splits =
            threads > 1 ? min(blocks, ceil_div(tasks_a_thread * threads, whole)) : 1;
        parallel(whole * splits, [&](int64_t task) {
            const int64_t split = task % splits, tile = task / splits % tiles;
            run_tile(shape, t, table, x, y, task / splits / tiles, tile,
                     blocks * split / splits, blocks * (split + 1) / splits);
        });
    }

  private:
    // Without weights packed.
    Positions(const Layer& layer, const T* bias) : Parts<T>(layer, bias) {
        phases_x_ = taps_x_ = 0;
        for (const Share& x : axes_[2].shares) {
            phases_x_ += count_of(x.phases);
            taps_x_ += count_of(x.phases) * count_of(x.offsets);
        }
        make_blocks();
    }

    // All phases of a few channels are neighbours in the output, and written together.
    void make_blocks() {
        phases_ = taps_ = offset_count_ = most_rows_ = 0;
        int64_t weights = 0, row = 0;
        for (const Share& z : axes_[0].shares)
            for (const Share& y : axes_[1].shares) {
                const int64_t phases = count_of(z.phases) * count_of(y.phases);
                const int64_t taps = count_of(z.offsets) * count_of(y.offsets);
                const int64_t together = min(phases, max(1, waiting_rows / phases_x_));
                const int64_t rows = together * phases_x_;  // of one channel
                int64_t unit = max_rows;  // channels whose rows fill register blocks
                while (unit > 1 && unit / 2 * rows % max_rows == 0) unit /= 2;
                const int64_t channels = unit * max(1, waiting_rows / (unit * rows));
                for (int64_t p = 0; p < phases; p += together)
                    for (int64_t c = 0; c < out_; c += channels) {
                        const int64_t n = min(together, phases - p), m = min(channels, out_ - c);
                        blocks_.push_back({&z, &y, p, n, c, m, offset_count_, weights, row});
                        weights += n * m * in_ * taps * taps_x_;
                        row += n * m * phases_x_;
                        most_rows_ = max(most_rows_, n * m * phases_x_);
                    }
                for (const Share& x : axes_[2].shares) offset_count_ += taps * count_of(x.offsets);
                phases_ += phases * phases_x_;
                taps_ += phases * taps * taps_x_;
            }
        group_weights_ = weights;
        group_rows_ = row;
    }

    // Weights of (group, block, share of the last axis) lie in that order, as
    // [rows][channel][tap][row]; the rows are those of (phase, channel, phase of the last axis).
    void pack(const T* weight) {
        T* to = packed_.grow(layer_.groups * group_weights_ + 16);
        T* start = start_.grow(layer_.groups * group_rows_ + 1);
        const Axis* axes = layer_.axes;
        const int64_t kernel = axes[0].kernel * axes[1].kernel * axes[2].kernel;
        Buffer<int64_t> places(max_rows * max(1, offset_count_));
        for (int64_t g = 0; g < layer_.groups; ++g)
            for (const Block& b : blocks_)
                for (const Share& x : axes_[2].shares) {
                    const int64_t px = count_of(x.phases), rows = b.phases * b.channels * px;
                    const int64_t taps = count_of(b.z->offsets) * count_of(b.y->offsets) * count_of(x.offsets);
                    for (int64_t r = 0; r < rows; ++r)
                        *start++ = bias_.data()[g * out_ + b.channel + r / px % b.channels];
                    for (int64_t r = 0; r < rows;) {
                        const int64_t height = block_rows(rows, r);
                        for (int64_t tap = 0; tap < taps; ++tap)
                            for (int64_t m = 0; m < height; ++m) {
                                const int64_t c = (r + m) / px % b.channels;
                                const int64_t phase = b.phase + (r + m) / px / b.channels;
                                places.data()[tap * height + m] =
                                    (b.channel + c) * kernel +
                                    kernel_of(b, x, phase, (r + m) % px, tap);
                            }
                        const int64_t cells = taps * height;
                        for (int64_t c = 0; c < in_; ++c) {
                            const T* from = weight + (g * in_ + c) * out_ * kernel;
                            for (int64_t i = 0; i < cells; ++i) *to++ = from[places.data()[i]];
                        }
                        r += height;
                    }
                }
    }

    int64_t kernel_of(const Block& b, const Share& x, int64_t phase, int64_t phase_x,
                      int64_t tap) const {
        const int64_t ty = count_of(b.y->offsets), tx = count_of(x.offsets), py = count_of(b.y->phases);
        const int64_t kz = b.z->kernels[phase / py][tap / tx / ty];
        const int64_t ky = b.y->kernels[phase % py][tap / tx % ty];
        return (kz * layer_.axes[1].kernel + ky) * layer_.axes[2].kernel +
               x.kernels[phase_x][tap % tx];
    }

    Cut cut(const Shape& shape, int threads) const {
        Cut t;
        int64_t reach[3];
        t.streams = bytes_moved<T>(layer_, shape, false) >= streamed_bytes;
        const Range range = range_of(layer_, axes_, shape);
        t.whole = range.whole;
        t.inside = range.inside;
        t.flat = true;
        for (int a = 0; a < 3; ++a) {
            t.first[a] = range.first[a];
            t.count[a] = range.count[a];
            t.input[a] = shape.input[a];
            reach[a] = axes_[a].high - axes_[a].low;
            t.flat = t.flat && axes_[a].high == 0 && t.first[a] == 0 && t.count[a] == shape.input[a];
        }
        const Axis& last = layer_.axes[2];
        t.low = max(ceil_div(shape.crop[2], last.stride), t.first[2]);
        t.high = min(floor_div(shape.output[2] + shape.crop[2], last.stride),
                     t.first[2] + t.count[2]);
        t.high = max(t.high, t.low);
        if (t.flat) {
            t.count[2] = t.input[2] = shape.input[0] * shape.input[1] * shape.input[2];
            for (int a = 0; a < 2; ++a) t.count[a] = t.input[a] = 1;
        }
        int64_t widest = min(widest_tile, waiting_bytes / (most_rows_ * int64_t(sizeof(T))));
        widest = min(widest, panel_bytes / (in_ * int64_t(sizeof(T))));
        widest = max(widest, step);
        const int64_t positions = shape.batch * t.count[0] * t.count[1] * t.count[2];
        const int64_t fair = positions * layer_.groups / (tasks_a_thread * threads);
        if (threads > 1) widest = min(widest, max(ceil_div(fair, step), 4) * step);
        int64_t room = widest;
        for (int a = 2; a >= 0; --a) {
            int64_t fits = max(1, room - (a == 2 ? reach[a] : 0));
            if (a == 2 && fits < t.count[a] && fits > step) fits = fits / step * step;
            t.tiles[a] = max(1, ceil_div(t.count[a], fits));
            t.tile[a] = ceil_div(t.count[a], t.tiles[a]);
            if (a == 2 && t.tiles[a] > 1 && fits % step == 0) t.tile[a] = ceil_div(t.tile[a], step) * step;
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

    static int64_t position(const Cut& t, int64_t image, int64_t z, int64_t y, int64_t x) {
        return ((image * t.pitch[0] + z) * t.pitch[1] + y) * t.pitch[2] + x;
    }

    // Distances of the taps where rows are `pitch` cells apart.
    void fill_offsets(const int64_t* pitch, int32_t* table) const {
        for (const Share& zs : axes_[0].shares)
            for (const Share& ys : axes_[1].shares)
                for (const Share& xs : axes_[2].shares)
                    for (const int64_t z : zs.offsets)
                        for (const int64_t y : ys.offsets)
                            for (const int64_t x : xs.offsets)
                                *table++ = static_cast<int32_t>(
                                    ((axes_[0].high - z) * pitch[1] + axes_[1].high - y) * pitch[2] +
                                    axes_[2].high - x);
    }

    void run_tile(const Shape& shape, const Cut& t, const int32_t* offsets, const T* x, T* y,
                  int64_t group, int64_t tile, int64_t first_block, int64_t end_block) const {
        int64_t start[3], size[3];
        for (int a = 2; a >= 0; --a) {
            const int64_t at = tile % t.tiles[a] * t.tile[a];
            start[a] = t.first[a] + at;
            size[a] = min(t.tile[a], t.count[a] - at);
            tile /= t.tiles[a];
        }
        const int64_t image = tile * t.images, images = min(t.images, shape.batch - image);
        const int64_t width = position(t, images - 1, size[0] - 1, size[1] - 1, size[2] - 1) + 1;
        thread_local Buffer<T> panel, products;
        thread_local std::vector<Piece> pieces;
        thread_local Buffer<const T*> rows;
        products.grow(most_rows_ * t.row + lanes);
        rows.grow(layer_.axes[2].stride);
        cut_pieces(shape, t, start, size, images, pieces);
        panel.grow(in_ * t.plane + 128);
        fill_panel(t, start, size, image, images, x, group, panel.data());
        const int64_t cells = shape.output[0] * shape.output[1] * shape.output[2];
        for (int64_t i = first_block; i < end_block; ++i) {
            const Block& block = blocks_[static_cast<size_t>(i)];
            multiply(block, offsets, t.plane, t.row, group, width, panel.data(), products.data());
            write(shape, t, block, pieces, rows.data(), products.data(),
                  y + (image * layer_.out_channels + group * out_ + block.channel) * cells);
        }
        if (t.streams) fence();
    }

    void cut_pieces(const Shape& shape, const Cut& t, const int64_t* start, const int64_t* size,
                    int64_t images, std::vector<Piece>& pieces) const {
        pieces.clear();
        const Axis* axes = layer_.axes;
        const auto add = [&](int64_t at, int64_t x, int64_t cells, int64_t z, int64_t y, int64_t n) {
            z = z * axes[0].stride - shape.crop[0];
            y = y * axes[1].stride - shape.crop[1];
            const int64_t rows = (n * layer_.out_channels * shape.output[0] + z) * shape.output[1] + y;
            pieces.push_back({at, x, cells, z, y,
                              rows * shape.output[2] + x * axes[2].stride - shape.crop[2]});
        };
        for (int64_t n = 0; n < images; ++n) {
            if (!t.flat) {
                for (int64_t z = 0; z < size[0]; ++z)
                    for (int64_t r = 0; r < size[1]; ++r)
                        add(position(t, n, z, r, 0), start[2], size[2], start[0] + z, start[1] + r, n);
                continue;
            }
            const int64_t length = shape.input[2], high = shape.input[1];
            for (int64_t at = 0; at < size[2];) {
                const int64_t p = start[2] + at, x = p % length, now = min(size[2] - at, length - x);
                add(n * t.pitch[2] + at, x, now, p / length / high, p / length % high, n);
                at += now;
            }
        }
    }

    void fill_panel(const Cut& t, const int64_t* start, const int64_t* size, int64_t image,
                    int64_t images, const T* x, int64_t group, T* panel) const {
        const int64_t *in = t.input, *pitch = t.pitch;
        int64_t from[3], before[3], held[3], cells[3];
        for (int a = 0; a < 3; ++a) {
            from[a] = start[a] - axes_[a].high;
            cells[a] = size[a] + axes_[a].high - axes_[a].low;
            before[a] = min(max(-from[a], 0), cells[a]);
            held[a] = max(min(in[a] - from[a], cells[a]) - before[a], 0);
        }
        for (int64_t c = 0; c < in_; ++c)
            for (int64_t n = 0; n < images; ++n) {
                const int64_t channel = ((image + n) * layer_.groups + group) * in_ + c;
                for (int64_t z = 0; z < cells[0]; ++z)
                    for (int64_t row = 0; row < cells[1]; ++row) {
                        T* to = panel + c * t.plane + ((n * pitch[0] + z) * pitch[1] + row) * pitch[2];
                        if (z < before[0] || z >= before[0] + held[0] || row < before[1] ||
                            row >= before[1] + held[1]) {
                            zero(to, cells[2]);
                            continue;
                        }
                        const T* source = x + ((channel * in[0] + from[0] + z) * in[1] + from[1] +
                                               row) * in[2] + from[2] + before[2];
                        if (c + channels_ahead < in_)
                            prefetch(source + channels_ahead * in[0] * in[1] * in[2], held[2]);
                        zero(to, before[2]);
                        copy(to + before[2], source, held[2]);
                        zero(to + before[2] + held[2], cells[2] - before[2] - held[2]);
                    }
            }
    }

    void multiply(const Block& block, const int32_t* offsets, int64_t plane, int64_t row,
                  int64_t group, int64_t width, const T* b, T* products) const {
        const T* a = packed_.data() + group * group_weights_ + block.weights;
        const T* start = start_.data() + group * group_rows_ + block.row;
        offsets += block.offsets;
        T* to = products;
        for (const Share& x : axes_[2].shares) {
            const int64_t rows = block.phases * block.channels * count_of(x.phases);
            const int64_t taps =
                count_of(block.z->offsets) * count_of(block.y->offsets) * count_of(x.offsets);
            for (int64_t r = 0; r < rows;) {
                const int64_t height = block_rows(rows, r);
                sweep<T>({in_, taps, plane, offsets, a, b, to + r * row, row, start + r,
                       layer_.activation == Activation::relu},
                      height, width);
                a += in_ * taps * height;
                r += height;
            }
            if (layer_.activation > Activation::relu)
                for (int64_t r = 0; r < rows; ++r)
                    activate_row(layer_.activation, layer_.alpha, to + r * row, width);
            offsets += taps;
            start += rows;
            to += rows * row;
        }
    }

    // Rows of the products to rows of the output: crop, interleave the phases of the last axis.
    void write(const Shape& shape, const Cut& t, const Block& block,
               const std::vector<Piece>& pieces, const T** rows, const T* products, T* y) const {
        const int64_t cells = shape.output[0] * shape.output[1] * shape.output[2];
        const int64_t py = count_of(block.y->phases), stride = layer_.axes[2].stride;
        for (int64_t p = 0; p < block.phases; ++p) {
            const int64_t rz = block.z->phases[(block.phase + p) / py];
            const int64_t ry = block.y->phases[(block.phase + p) % py];
            for (int64_t c = 0; c < block.channels; ++c) {
                if (phases_x_ < stride) std::fill_n(rows, stride, nullptr);
                const T* share = products;
                for (const Share& x : axes_[2].shares) {
                    const int64_t px = count_of(x.phases);
                    for (int64_t i = 0; i < px; ++i)
                        rows[x.phases[i]] = share + ((p * block.channels + c) * px + i) * t.row;
                    share += block.phases * block.channels * px * t.row;
                }
                write_channel(shape, t, pieces, rz, ry, rows, y + c * cells);
            }
        }
    }

    void write_channel(const Shape& shape, const Cut& t, const std::vector<Piece>& pieces,
                       int64_t rz, int64_t ry, const T* const* rows, T* y) const {
        const int64_t stride = layer_.axes[2].stride;
        by_stride<T>(stride, phases_x_ == stride, [&](auto S) {
            write_pieces<decltype(S)::value>(shape, t, pieces, rz, ry, rows, y);
        });
    }

    template <int S>
    void write_pieces(const Shape& shape, const Cut& t, const std::vector<Piece>& pieces, int64_t rz,
                      int64_t ry, const T* const* rows, T* y) const {
        const int64_t stride = layer_.axes[2].stride;
        const int64_t wide = shape.output[2], phase = (rz * shape.output[1] + ry) * wide;
        for (const Piece& piece : pieces) {
            T* const to = y + piece.to + phase;
            if (t.inside) {
                write_inner<S>(to, rows, piece.at, 0, piece.size, stride, t.streams);
                continue;
            }
            const int64_t oz = piece.z + rz, oy = piece.y + ry, size = piece.size;
            if (oz < 0 || oz >= shape.output[0] || oy < 0 || oy >= shape.output[1]) continue;
            const int64_t low = min(max(t.low - piece.x, 0), size);
            const int64_t end = min(max(t.high - piece.x, low), size);
            const int64_t first = piece.x * stride - shape.crop[2];
            write_edge(to, rows, piece.at, 0, low, stride, first, wide);
            write_inner<S>(to, rows, piece.at, low, end, stride, t.streams);
            write_edge(to, rows, piece.at, end, size, stride, first, wide);
        }
    }

    int64_t phases_, phases_x_, taps_, taps_x_;  // phases, and taps of all phases together
    int64_t offset_count_, most_rows_, group_weights_, group_rows_;
    std::vector<Block> blocks_;
    Buffer<T> packed_, start_;
};

}  // namespace tconv::TCONV_TARGET
