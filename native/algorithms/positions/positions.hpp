// The phase product with lanes along positions. The input's rows of a tile lie side by side, in packed
// B or where they are, so that a tap is a constant distance. Rows of products of a few channels wait
// in the nearest caches to be interleaved into the output.
#pragma once

#include "algorithms/positions/tiling.hpp"
#include "epilogue.hpp"
#include "heuristics/costs.hpp"
#include "problem/rows.hpp"
#include "registry.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
class PositionsRecipe final : public Recipe<T> {
  public:
    static const char* unsupported_reason(const Layer& layer) {
        return layer.layout == Layout::channels_first ? nullptr
                                                      : "its lanes lie along positions, channels first";
    }

    explicit PositionsRecipe(const Layer& layer) : layout(layer), tiling(layout) {}

    Cost estimate(const Shape& shape, int threads) const override {
        const PhaseGroups& phases = layout.phases;
        const double out = static_cast<double>(phases.out), in = static_cast<double>(phases.in);
        const double groups = static_cast<double>(phases.layer.groups);
        const double taps = static_cast<double>(layout.all_taps), lanes = Lanes<T>::count;
        const double rows = out * static_cast<double>(layout.all_phases);
        Cost c;
        c.tasks = 0;
        for (const TilePlan& t : tiling.plans(shape, threads)) {
            const double tiles = static_cast<double>(tiling.tiles_of(t)) * groups;
            const double vectors = static_cast<double>(ceil_div(t.width, Lanes<T>::count));
            c.products += tiles * vectors * in * out * taps;
            c.others += tiles * vectors * rows * written_cost +
                        tiles * static_cast<double>(t.images * t.tile[0] * t.tile[1]) * rows *
                            written_row_cost;
            if (!t.direct) c.others += tiles * in * 2 * static_cast<double>(t.plane) / lanes;
            c.tasks += t.tasks;
        }
        if (count_of(layout.tap_offsets) == 1) c.products *= one_tap_cost;
        c.bytes = bytes_moved<T>(phases.layer, shape);
        c.packing = packed_cost * groups * in * out * taps;
        return c;
    }

    std::unique_ptr<Packed<T>> pack(const T* weight, const T* bias) const override;

    const PanelLayout<T> layout;
    const Tiling<T> tiling;
};

template <class T>
class Positions final : public Packed<T> {
    static constexpr int64_t lanes = Lanes<T>::count;

    // Positions x .. x + size of one row, at `at` among the products. Phase 0 of the first of them
    // goes to row (z, y) of the output, `to` cells from where the tile's first image begins.
    struct RowPiece {
        int64_t at, x, size, z, y, to;
    };

  public:
    Positions(const PositionsRecipe<T>& recipe, const T* weight, const T* bias)
        : layout_(recipe.layout),
          tiling_(recipe.tiling),
          phases_(recipe.layout.phases),
          layer_(phases_.layer),
          epilogue_(layer_),
          bias_(bias_or_zeros(layer_, bias)) {
        layout_.pack(weight, bias, packed_, start_);
    }

    void run(const Shape& shape, const T* x, T* y, int threads,
             const Parallel& parallel) const override {
        const std::vector<TilePlan> all = tiling_.plans(shape, threads);
        if (!all[0].whole) fill_with_bias(layer_, shape, bias_.data(), y, parallel);
        Buffer<int32_t> offsets(count_of(layout_.tap_offsets) * count_of(all));
        int64_t tasks = 0;
        for (size_t i = 0; i < all.size(); ++i) {
            fill_offsets(all[i].pitch, offsets.data() + i * layout_.tap_offsets.size());
            tasks += all[i].tasks;
        }
        parallel(tasks, [&](int64_t task) {
            size_t i = 0;
            for (; task >= all[i].tasks; ++i) task -= all[i].tasks;
            run_task(shape, all[i], offsets.data() + i * layout_.tap_offsets.size(), x, y, task);
        });
    }

  private:
    // Distances of the taps where rows are `pitch` cells apart.
    void fill_offsets(const int64_t* pitch, int32_t* table) const {
        for (const auto& [z, y, x] : layout_.tap_offsets)
            *table++ = static_cast<int32_t>(
                ((phases_.axes[0].high - z) * pitch[1] + phases_.axes[1].high - y) * pitch[2] + phases_.axes[2].high - x);
    }

    void run_task(const Shape& shape, const TilePlan& t, const int32_t* offsets, const T* x, T* y,
                  int64_t task) const {
        const int64_t split = task % t.splits, tiles = tiling_.tiles_of(t), blocks = count_of(layout_.blocks);
        const int64_t first = task / t.splits * t.together;
        const int64_t end = min(first + t.together, tiles * layer_.groups);
        for (int64_t i = first; i < end; ++i)
            run_tile(shape, t, offsets, x, y, i / tiles, i % tiles, blocks * split / t.splits,
                     blocks * (split + 1) / t.splits, i + 1 < end);
        if (t.nontemporal) fence();
    }

    // From a cell of a tile to that which the next reads in its place, but for the rows that both do.
    int64_t ahead_of(const TilePlan& t) const {
        const auto rows = [&](int a) { return t.tile[a] + phases_.axes[a].high - phases_.axes[a].low; };
        if (t.tiles[1] > 1) return rows(1) * t.input[2];
        if (t.tiles[0] > 1) return rows(0) * t.input[1] * t.input[2];
        if (t.tiles[2] > 1) return t.tile[2];
        return t.images * layer_.in_channels * t.input[0] * t.input[1] * t.input[2];
    }

    void run_tile(const Shape& shape, const TilePlan& t, const int32_t* offsets, const T* x, T* y,
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
        const int64_t width = Tiling<T>::position(t, images - 1, size[0] - 1, size[1] - 1, size[2] - 1) + 1;
        thread_local std::vector<RowPiece> pieces;
        Scratch scratch;
        T* const products = scratch.take<T>(layout_.most_rows * t.row + lanes);
        const T** const rows = scratch.take<const T*>(layer_.axes[2].stride);
        cut_pieces(shape, t, start, size, images, pieces);
        const int64_t from[] = {max(start[0] - phases_.axes[0].high, 0), max(start[1] - phases_.axes[1].high, 0),
                                max(start[2] - phases_.axes[2].high, 0)};
        const T* const source = x + (((image * layer_.groups + group) * phases_.in * t.input[0] + from[0]) *
                                     t.input[1] + from[1]) * t.input[2] + from[2];
        const T* read = source;
        if (!t.direct) {
            T* const packed = scratch.take<T>((phases_.in + 2) * t.plane + 128);
            pack_input(t, start, size, image, images, x, group, packed);
            read = packed;
        }
        const T* const ahead = another ? source + ahead_of(t) : nullptr;
        const int64_t cells = shape.output[0] * shape.output[1] * shape.output[2];
        for (int64_t i = first_block; i < end_block; ++i) {
            const RowBlock& block = layout_.blocks[static_cast<size_t>(i)];
            multiply(block, offsets, t, group, width, read, products,
                     i == first_block ? ahead : nullptr);
            write(shape, t, block, pieces, rows, products,
                  y + (image * layer_.out_channels + group * phases_.out) * cells);
        }
    }

    void cut_pieces(const Shape& shape, const TilePlan& t, const int64_t* start, const int64_t* size,
                    int64_t images, std::vector<RowPiece>& pieces) const {
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
                        add(Tiling<T>::position(t, n, z, r, 0), start[2], size[2], start[0] + z, start[1] + r, n);
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

    void pack_input(const TilePlan& t, const int64_t* start, const int64_t* size, int64_t image,
                    int64_t images, const T* x, int64_t group, T* packed) const {
        const int64_t *in = t.input, *pitch = t.pitch;
        int64_t from[3], before[3], held[3], cells[3];
        for (int a = 0; a < 3; ++a) {
            from[a] = start[a] - phases_.axes[a].high;
            cells[a] = size[a] + phases_.axes[a].high - phases_.axes[a].low;
            before[a] = min(max(-from[a], 0), cells[a]);
            held[a] = max(min(in[a] - from[a], cells[a]) - before[a], 0);
        }
        const int64_t plane = in[0] * in[1] * in[2];
        const int64_t after = cells[1] - before[1] - held[1];
        const Rows none{0, 0, cells[2], 0, pitch[2], 0};
        Rows some{before[2], held[2], cells[2], in[2], pitch[2], 0};
        for (int64_t c = 0; c < phases_.in; ++c)
            for (int64_t n = 0; n < images; ++n) {
                some.ahead = c + channels_ahead < phases_.in ? channels_ahead * plane : 0;
                const T* const source =
                    x + (((image + n) * layer_.groups + group) * phases_.in + c) * plane + from[2] + before[2];
                T* to = packed + c * t.plane + n * pitch[0] * pitch[1] * pitch[2];
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

    void multiply(const RowBlock& block, const int32_t* offsets, const TilePlan& t, int64_t group,
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
        const T* start = start_.data() + group * layout_.group_rows + block.row;
        for (int64_t i = block.panel; i < block.panel + block.panels; ++i) {
            const MPanel<T>& s = layout_.panels[static_cast<size_t>(i)];
            Product<T> product{phases_.in, s.taps, t.plane, offsets + s.tap,
                               packed_.data() + group * layout_.group_weights + s.weights, b,
                               products + s.row * row, row, start + s.row,
                               epilogue_.relu()};
            product.runs = s.runs;
            product.ahead_plane = cells;
            sweep<T>(product, *s.kernel, width, ask);
            ahead = nullptr;
        }
        if (!epilogue_.in_registers())
            for (int64_t r = 0; r < block.rows; ++r) epilogue_.finish(products + r * row, width);
    }

    // Rows of the products to rows of the output: crop, interleave the phases of the last axis.
    void write(const Shape& shape, const TilePlan& t, const RowBlock& block,
               const std::vector<RowPiece>& pieces, const T** rows, const T* products, T* y) const {
        const int64_t cells = shape.output[0] * shape.output[1] * shape.output[2];
        const int64_t stride = layer_.axes[2].stride;
        const int32_t* row = layout_.line_rows.data() + block.line * stride;
        for (int64_t i = block.line; i < block.line + block.lines; ++i) {
            const Line& line = layout_.lines[static_cast<size_t>(i)];
            for (int64_t r = 0; r < stride; ++r, ++row) rows[r] = *row < 0 ? nullptr : products + *row * t.row;
            write_channel(shape, t, pieces, line.z, line.y, rows, y + line.channel * cells);
        }
    }

    void write_channel(const Shape& shape, const TilePlan& t, const std::vector<RowPiece>& pieces,
                       int64_t rz, int64_t ry, const T* const* rows, T* y) const {
        const int64_t stride = layer_.axes[2].stride;
        by_stride<T>(stride, layout_.last_phases == stride, [&](auto S) {
            write_pieces<decltype(S)::value>(shape, t, pieces, rz, ry, rows, y);
        });
    }

    template <int S>
    void write_pieces(const Shape& shape, const TilePlan& t, const std::vector<RowPiece>& pieces, int64_t rz,
                      int64_t ry, const T* const* rows, T* y) const {
        const int64_t stride = layer_.axes[2].stride;
        const int64_t wide = shape.output[2], phase = (rz * shape.output[1] + ry) * wide;
        for (const RowPiece& piece : pieces) {
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

    const PanelLayout<T>& layout_;
    const Tiling<T>& tiling_;
    const PhaseGroups& phases_;
    const Layer& layer_;
    Epilogue<T> epilogue_;
    Buffer<T> bias_, packed_, start_;
};

template <class T>
std::unique_ptr<Packed<T>> PositionsRecipe<T>::pack(const T* weight, const T* bias) const {
    return std::make_unique<Positions<T>>(*this, weight, bias);
}

}  // namespace tconv::TCONV_TARGET
