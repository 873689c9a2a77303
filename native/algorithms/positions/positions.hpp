// The phase product with lanes along positions. The input's rows of a tile lie side by side, in a
// panel or where they are, so that a tap is a constant distance.
// Rows of products of a few channels wait in the nearest caches to be interleaved into the output.
#pragma once

#include "algorithms/positions/tiling.hpp"

namespace tconv::TCONV_TARGET {

constexpr int64_t channels_ahead = 2;  // asked from memory while one is copied

// By measurement, in vector multiply-adds:
constexpr double one_tap_cost = 1.09;  // a product where nothing in the panel is read twice
constexpr double packed_cost = 6;      // a weight packed

template <class T>
class Positions final : public Packed<T>, Tiling<T> {
    using Tiling<T>::layer_, Tiling<T>::in_, Tiling<T>::out_, Tiling<T>::axes_, Tiling<T>::lanes;
    using Stacks<T>::phases_, Stacks<T>::phases_x_, Stacks<T>::taps_, Stacks<T>::tap_;
    using Stacks<T>::most_rows_, Stacks<T>::group_weights_, Stacks<T>::group_rows_;
    using Stacks<T>::blocks_, Stacks<T>::stacks_, Stacks<T>::lines_, Stacks<T>::line_rows_;
    using Stacks<T>::packed_, Stacks<T>::start_;
    using Tiling<T>::cuts, Tiling<T>::tiles_of, Tiling<T>::position;

    // Positions x .. x + size of one row, at `at` among the products. Phase 0 of the first of them
    // goes to row (z, y) of the output, `to` cells from where the tile's first image begins.
    struct Piece {
        int64_t at, x, size, z, y, to;
    };

  public:
    static const char* refusal(const Layer& layer) {
        return layer.layout == Layout::channels_first ? nullptr
                                                      : "its lanes lie along positions, channels first";
    }

    static Cost cost(const Layer& layer, const Shape& shape, int threads) {
        const Positions plain(layer, nullptr);
        const double out = static_cast<double>(plain.out_), in = static_cast<double>(plain.in_);
        const double rows = out * static_cast<double>(plain.phases_);
        Cost c;
        c.tasks = 0;
        for (const Cut& t : plain.cuts(shape, threads)) {
            const double tiles = static_cast<double>(tiles_of(t) * layer.groups);
            const double vectors = static_cast<double>(ceil_div(t.width, lanes));
            c.products += tiles * vectors * in * out * static_cast<double>(plain.taps_);
            c.others += tiles * vectors * rows * 3 +
                        tiles * static_cast<double>(t.images * t.tile[0] * t.tile[1]) * rows * 2;
            if (!t.direct)
                c.others += tiles * in * 2 * static_cast<double>(t.plane) / static_cast<double>(lanes);
            c.tasks += t.tasks;
        }
        if (count_of(plain.tap_) == 1) c.products *= one_tap_cost;
        c.bytes = bytes_moved<T>(layer, shape);
        c.packing = packed_cost * static_cast<double>(layer.groups) * in * out *
                    static_cast<double>(plain.taps_);
        return c;
    }

    Positions(const Layer& layer, const T* weight, const T* bias) : Positions(layer, bias) {
        this->pack(weight);
    }

    void run(const Shape& shape, const T* x, T* y, int threads,
             const Parallel& parallel) const override {
        const std::vector<Cut> all = cuts(shape, threads);
        if (!all[0].whole) fill_with_bias(this->layer_, shape, this->bias_.data(), y, parallel);
        Buffer<int32_t> offsets(count_of(tap_) * count_of(all));
        int64_t tasks = 0;
        for (size_t i = 0; i < all.size(); ++i) {
            fill_offsets(all[i].pitch, offsets.data() + i * tap_.size());
            tasks += all[i].tasks;
        }
        parallel(tasks, [&](int64_t task) {
            size_t i = 0;
            for (; task >= all[i].tasks; ++i) task -= all[i].tasks;
            run_task(shape, all[i], offsets.data() + i * tap_.size(), x, y, task);
        });
    }

  private:
    // Without weights packed.
    Positions(const Layer& layer, const T* bias) : Tiling<T>(layer, bias) {}

    // Distances of the taps where rows are `pitch` cells apart.
    void fill_offsets(const int64_t* pitch, int32_t* table) const {
        for (const auto& [z, y, x] : tap_)
            *table++ = static_cast<int32_t>(
                ((axes_[0].high - z) * pitch[1] + axes_[1].high - y) * pitch[2] + axes_[2].high - x);
    }

    void run_task(const Shape& shape, const Cut& t, const int32_t* offsets, const T* x, T* y,
                  int64_t task) const {
        const int64_t split = task % t.splits, tiles = tiles_of(t), blocks = count_of(blocks_);
        const int64_t first = task / t.splits * t.together;
        const int64_t end = min(first + t.together, tiles * layer_.groups);
        for (int64_t i = first; i < end; ++i)
            run_tile(shape, t, offsets, x, y, i / tiles, i % tiles, blocks * split / t.splits,
                     blocks * (split + 1) / t.splits, i + 1 < end);
        if (t.nontemporal) fence();
    }

    // From a cell of a tile to that which the next reads in its place, but for the rows that both do.
    int64_t ahead_of(const Cut& t) const {
        const auto rows = [&](int a) { return t.tile[a] + axes_[a].high - axes_[a].low; };
        if (t.tiles[1] > 1) return rows(1) * t.input[2];
        if (t.tiles[0] > 1) return rows(0) * t.input[1] * t.input[2];
        if (t.tiles[2] > 1) return t.tile[2];
        return t.images * layer_.in_channels * t.input[0] * t.input[1] * t.input[2];
    }

    void run_tile(const Shape& shape, const Cut& t, const int32_t* offsets, const T* x, T* y,
                  int64_t group, int64_t tile, int64_t first_block, int64_t end_block,
                  bool another) const {
        int64_t start[3], size[3];
        for (const int a : {1, 0, 2}) {  // down the rows, for what two tiles read
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
        const int64_t from[] = {max(start[0] - axes_[0].high, 0), max(start[1] - axes_[1].high, 0),
                                max(start[2] - axes_[2].high, 0)};
        const T* const source = x + (((image * layer_.groups + group) * in_ * t.input[0] + from[0]) *
                                     t.input[1] + from[1]) * t.input[2] + from[2];
        const T* read = source;
        if (!t.direct) {
            read = panel.grow((in_ + 2) * t.plane + 128);
            fill_panel(t, start, size, image, images, x, group, panel.data());
        }
        const T* const ahead = another ? source + ahead_of(t) : nullptr;
        const int64_t cells = shape.output[0] * shape.output[1] * shape.output[2];
        for (int64_t i = first_block; i < end_block; ++i) {
            const Block& block = blocks_[static_cast<size_t>(i)];
            multiply(block, offsets, t, group, width, read, products.data(),
                     i == first_block ? ahead : nullptr);
            write(shape, t, block, pieces, rows.data(), products.data(),
                  y + (image * layer_.out_channels + group * out_) * cells);
        }
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
        const int64_t plane = in[0] * in[1] * in[2];
        const int64_t after = cells[1] - before[1] - held[1];
        const Rows none{0, 0, cells[2], 0, pitch[2], 0};
        Rows some{before[2], held[2], cells[2], in[2], pitch[2], 0};
        for (int64_t c = 0; c < in_; ++c)
            for (int64_t n = 0; n < images; ++n) {
                some.ahead = c + channels_ahead < in_ ? channels_ahead * plane : 0;
                const T* const source =
                    x + (((image + n) * layer_.groups + group) * in_ + c) * plane + from[2] + before[2];
                T* to = panel + c * t.plane + n * pitch[0] * pitch[1] * pitch[2];
                for (int64_t z = 0; z < cells[0]; ++z, to += pitch[1] * pitch[2]) {
                    if (z < before[0] || z >= before[0] + held[0]) {
                        copy_rows_padded<T>(none, cells[1], nullptr, to);
                        continue;
                    }
                    const int64_t row = (from[0] + z) * in[1] + from[1] + before[1];
                    T* const own = to + before[1] * pitch[2];
                    copy_rows_padded<T>(none, before[1], nullptr, to);
                    copy_rows_padded<T>(some, held[1], source + row * in[2], own);
                    copy_rows_padded<T>(none, after, nullptr, own + held[1] * pitch[2]);
                }
            }
    }

    void multiply(const Block& block, const int32_t* offsets, const Cut& t, int64_t group,
                  int64_t width, const T* b, T* products, const T* ahead) const {
        const int64_t row = t.row;
        const int64_t cells = t.input[0] * t.input[1] * t.input[2];
        const auto ask = [&](int64_t at) -> const T* {
            if (!ahead) return nullptr;
            const int64_t n = at / t.pitch[2] / t.pitch[1] / t.pitch[0];
            const int64_t z = at / t.pitch[2] / t.pitch[1] % t.pitch[0];
            const int64_t y = at / t.pitch[2] % t.pitch[1];
            return ahead + n * layer_.in_channels * cells +
                   (z * t.input[1] + y) * t.input[2] + at % t.pitch[2];
        };
        const T* start = start_.data() + group * group_rows_ + block.row;
        for (int64_t i = block.stack; i < block.stack + block.stacks; ++i) {
            const Stack<T>& s = stacks_[static_cast<size_t>(i)];
            Product<T> product{in_, s.taps, t.plane, offsets + s.tap,
                               packed_.data() + group * group_weights_ + s.weights, b,
                               products + s.row * row, row, start + s.row,
                               layer_.activation == Activation::relu};
            product.runs = s.runs;
            product.ahead_plane = cells;
            sweep<T>(product, *s.kernel, width, ask);
            ahead = nullptr;
        }
        if (layer_.activation > Activation::relu)
            for (int64_t r = 0; r < block.rows; ++r)
                activate_row(layer_.activation, layer_.alpha, products + r * row, width);
    }

    // Rows of the products to rows of the output: crop, interleave the phases of the last axis.
    void write(const Shape& shape, const Cut& t, const Block& block,
               const std::vector<Piece>& pieces, const T** rows, const T* products, T* y) const {
        const int64_t cells = shape.output[0] * shape.output[1] * shape.output[2];
        const int64_t stride = layer_.axes[2].stride;
        const int32_t* row = line_rows_.data() + block.line * stride;
        for (int64_t i = block.line; i < block.line + block.lines; ++i) {
            const Line& line = lines_[static_cast<size_t>(i)];
            for (int64_t r = 0; r < stride; ++r, ++row) rows[r] = *row < 0 ? nullptr : products + *row * t.row;
            write_channel(shape, t, pieces, line.z, line.y, rows, y + line.channel * cells);
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
                write_inner<S>(to, rows, piece.at, 0, piece.size, stride, t.nontemporal);
                continue;
            }
            const int64_t oz = piece.z + rz, oy = piece.y + ry, size = piece.size;
            if (oz < 0 || oz >= shape.output[0] || oy < 0 || oy >= shape.output[1]) continue;
            const int64_t low = min(max(t.low - piece.x, 0), size);
            const int64_t end = min(max(t.high - piece.x, low), size);
            const int64_t first = piece.x * stride - shape.crop[2];
            write_edge(to, rows, piece.at, 0, low, stride, first, wide);
            write_inner<S>(to, rows, piece.at, low, end, stride, t.nontemporal);
            write_edge(to, rows, piece.at, end, size, stride, first, wide);
        }
    }
};

}  // namespace tconv::TCONV_TARGET
