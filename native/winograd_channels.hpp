// Winograd's short algorithms with lanes along channels: cells are transformed without a shuffle, a
// product takes any tiles of several rows or images, and outputs are written where their channels
// lie. Arrays with channels first are turned, a block of tiles at a time.
#pragma once

#include "regions.hpp"
#include <cmath>

#include "zones.hpp"

namespace tconv::TCONV_TARGET {

constexpr int64_t chunk = 64;                    // channels whose cells and weights stay near
// By measurement, in vector multiply-adds:
constexpr double tile_cost = 150;
constexpr double tile_cell_cost = 22;     // each part of a vector of cells
constexpr double tile_output_cost = 18;   // each part of a vector of outputs
constexpr double tile_turn_cost = 28;     // a vector of an array with channels first
constexpr double tile_weight_cost = 15;   // a vector of weights, read for a block
constexpr double far_tile_weight_cost = 25;  // that no cache holds
constexpr double tile_packing_cost = 8;   // each number packed

template <class T>
class WinogradChannels final : public Packed<T>, Zones<T> {
    typedef Zones<T> Base;
    using typename Base::Band, typename Base::Family, typename Base::Place, typename Base::Run,
        typename Base::Slab, typename Base::Zone, typename Base::Cut;
    using Base::axes_, Base::bias_, Base::in_, Base::layer_, Base::out_, Base::depth_, Base::winograd_;
    using Base::families_, Base::bands_, Base::slabs_, Base::runs_, Base::packed_, Base::start_;
    using Base::group_weights_, Base::group_starts_, Base::largest_, Base::longest_;
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    static const char* refusal(const Layer& layer) {
        bool some = false;
        for (int a = 0; a < 3; ++a) {
            const WinogradAxis<T> axis = WinogradAxis<T>::of(shares_of(layer.axes[a]), true);
            if (axis.pieces.empty()) return "a phase has distant taps";
            some = some || axis.m > 1;
        }
        return some ? nullptr : "no phase has two neighbouring taps";
    }

    static Cost cost(const Layer& layer, const Shape& shape, int threads) {
        const WinogradChannels w(layer, nullptr);
        Cut t;
        w.cut(shape, threads, t);
        const auto number = [](int64_t v) { return static_cast<double>(v); };
        const double cells = tile_cell_cost * number(w.depth_ / lanes);
        const double weights = number(layer.groups * w.group_weights_);
        Cost c;
        double blocks = 0;
        for (int64_t z = 0; z < t.zones; ++z) {
            const Zone& zone = t.zone[z];
            const double tiles = number(t.images * zone.tiles_an_image() * layer.groups);
            for (int64_t i = 0; i < count_of(w.families_); ++i) {
                const Family f = w.family_at(i, zone.place);
                int64_t phases = zone.inner() ? f.part->phases : 0;
                for (int64_t p = 0; p < f.part->phases && !zone.inner(); ++p)
                    phases += w.wanted(shape, zone, f, p);
                const double vectors = number(ceil_div(phases * w.out_, lanes));
                const double parts = number(f.parts);
                c.products += tiles * parts * vectors * number(f.depth);
                c.others += tiles * parts * (cells * number(f.repeats) + tile_output_cost * vectors);
            }
            c.others += tile_cost * tiles;
            if (zone.inner()) blocks += number(zone.count());
        }
        // weights are read while products are computed
        const bool far = w.group_weights_ * int64_t(sizeof(T)) >= cached_weights;
        const double reading = (far ? far_tile_weight_cost : tile_weight_cost) * blocks * weights / lanes;
        c.others += std::hypot(c.products, reading) - c.products;
        const double moved = bytes_moved<T>(layer, shape) / sizeof(T);
        if (layer.layout == Layout::channels_first) c.others += tile_turn_cost * moved / lanes;
        c.packing = tile_packing_cost * weights;
        c.tasks = t.count() * layer.groups * count_of(w.bands_);
        c.bytes = moved * sizeof(T);
        return c;
    }

    WinogradChannels(const Layer& layer, const T* weight, const T* bias)
        : WinogradChannels(layer, bias) {
        this->pack(weight);
    }

    void run(const Shape& shape, const T* x, T* y, int threads,
             const Parallel& parallel) const override {
        Cut t;
        this->cut(shape, threads, t);
        if (!t.whole) fill_with_bias(layer_, shape, bias_.data(), y, parallel);
        if (t.zones == 0) return;
        const int64_t blocks = t.count(), bands = count_of(bands_);
        const int64_t splits = this->splits_of(blocks * layer_.groups, threads);
        parallel(blocks * layer_.groups * splits, [&](int64_t task) {
            const int64_t split = task % splits, block = task / splits % blocks;
            run_block(shape, t, task / splits / blocks, block, bands * split / splits,
                      bands * (split + 1) / splits, x, y);
        });
    }

  private:
    // Without weights packed.
    WinogradChannels(const Layer& layer, const T* bias) : Base(layer, bias) {}

    // Tiles of one call, and where what they read and write lies.
    struct Block {
        const Zone* zone;
        int64_t images, tile[3], tiles[3], all;  // the first, how many along each axis
        int64_t group;
        const T* x;
        T* y;
        View from, to;
        int64_t first;     // channel that stands at `y`
        bool streams;
        int64_t transformed;  // the family whose cells stand in the panel
    };

    void run_block(const Shape& shape, const Cut& t, int64_t group, int64_t block,
                   int64_t first_band, int64_t end_band, const T* x, T* y) const {
        const bool last = layer_.layout == Layout::channels_last;
        int64_t z = 0;
        for (; block >= t.zone[z].count(); ++z) block -= t.zone[z].count();
        const Zone& zone = t.zone[z];
        Block b;
        b.zone = &zone;
        Region in, out;
        for (int a = 2; a >= 0; --a) {
            const int64_t first = block % zone.blocks[a] * zone.block[a];
            const int64_t m = zone.m[a], s = layer_.axes[a].stride;
            block /= zone.blocks[a];
            b.tiles[a] = min(zone.block[a], zone.tiles[a] - first);
            b.tile[a] = zone.first[a] + first * m;
            const int64_t cell = b.tile[a] - axes_[a].high;
            const int64_t cells = b.tiles[a] * m + winograd_[a].cells - winograd_[a].m;
            const int64_t output = b.tile[a] * s - shape.crop[a];
            const int64_t outputs = b.tiles[a] * m * s;
            in.start[a] = max(cell, 0);
            in.count[a] = max(min(cell + cells, shape.input[a]) - in.start[a], 0);
            out.start[a] = max(output, 0);
            out.count[a] = max(min(output + outputs, shape.output[a]) - out.start[a], 0);
        }
        const int64_t image = block * zone.block_images;
        b.images = min(zone.block_images, t.images - image);
        b.all = b.images * b.tiles[0] * b.tiles[1] * b.tiles[2];
        b.group = group;
        const Region all_in = whole_region(shape.input), all_out = whole_region(shape.output);
        thread_local Buffer<T> cells, result;
        if (last || all_in.cells() == 1) {
            b.from = view_of(all_in, layer_.in_channels);
            b.x = x + image * b.from.image + group * in_;
        } else {
            b.from = view_of(in, in_);
            b.x = cells.grow(b.images * b.from.image + lanes);
            turn_in(shape.input, in, b.images, layer_.in_channels, in_,
                    x + (image * layer_.in_channels + group * in_) * all_in.cells(), cells.data());
        }
        b.transformed = -1;
        if (last || all_out.cells() == 1) {
            b.to = view_of(all_out, layer_.out_channels);
            b.y = y + image * b.to.image + group * out_;
            b.first = 0;
            b.streams = t.streams;
            run_slabs(shape, first_band, end_band, b);
            if (b.streams) fence();
            return;
        }
        b.streams = false;
        for (int64_t band = first_band, end; band < end_band; band = end) {
            // as many bands as may wait to be turned
            const auto channels_to = [&](int64_t to) {
                const Band& back = bands_[static_cast<size_t>(to - 1)];
                return back.first + back.channels - bands_[static_cast<size_t>(band)].first;
            };
            const int64_t waiting = b.images * out.cells() * int64_t(sizeof(T));
            for (end = band + 1; end < end_band;)
                if (channels_to(++end) * waiting > result_bytes) {
                    --end;
                    break;
                }
            const int64_t channels = channels_to(end);
            b.to = view_of(out, channels);
            b.y = result.grow(b.images * b.to.image);
            b.first = bands_[static_cast<size_t>(band)].first;
            const int64_t channel = group * out_ + b.first;
            if (!t.whole)
                fill_with_bias(layer_, bias_.data() + channel, channels, b.images * out.cells(), b.y);
            run_slabs(shape, band, end, b);
            turn_out(shape.output, out, b.images, layer_.out_channels, channels, b.y,
                     y + (image * layer_.out_channels + channel) * all_out.cells());
        }
    }

    void run_slabs(const Shape& shape, int64_t first_band, int64_t end_band, Block& b) const {
        thread_local Buffer<T> panel, products;
        thread_local Buffer<int64_t> some;
        int64_t family = -1;
        Family f;
        for (const Slab& slab : slabs_) {
            if (slab.band < first_band || slab.band >= end_band) continue;
            if (slab.family != family) f = this->family_at(slab.family, b.zone->place);
            family = slab.family;
            const int64_t blocks = wanted_columns(shape, b, f, slab, some);
            if (blocks == 0) continue;
            const int64_t part_step = b.all * f.pitch;
            if (b.transformed != family) {
                b.transformed = family;
                panel.grow(f.parts * part_step);
                for (int64_t i = 0; i < b.all; ++i)
                    for (int64_t r = 0; r < f.repeats; ++r)
                        transform(shape, b, f, r, i, panel.data() + i * f.pitch + r * in_, part_step);
            }
            const int64_t width = slab.vectors * lanes, step = b.all * width;
            products.grow(f.parts * step + lanes);  // columns of a cut run end in any lane
            multiply(f, slab, b.all, some.data(), blocks,
                     packed_.data() + b.group * group_weights_ + slab.weights, panel.data(),
                     products.data());
            for (int64_t i = 0; i < b.all; ++i)
                write(shape, b, f, slab, i, products.data() + i * width, step);
        }
    }

    // Where the blocks of a slab's columns begin that have outputs in the zone.
    int64_t wanted_columns(const Shape& shape, const Block& b, const Family& f, const Slab& slab,
                           Buffer<int64_t>& to) const {
        const int64_t channels = bands_[static_cast<size_t>(slab.band)].channels;
        to.grow(ceil_div(slab.vectors, tile_columns));
        int64_t count = 0;
        for (int64_t v = 0; v < slab.vectors; v += tile_columns) {
            const int64_t first = slab.first + v * lanes;
            const int64_t end = slab.first + min((v + tile_columns) * lanes, slab.columns);
            bool some = b.zone->inner();
            for (int64_t p = first / channels; p * channels < end && !some; ++p)
                some = this->wanted(shape, *b.zone, f, p);
            if (some) to.data()[count++] = v;
        }
        return count;
    }

    // The image of a tile, and its first position.
    void place_of(const Block& b, int64_t tile, int64_t* image, int64_t* at) const {
        for (int a = 2; a >= 0; --a) {
            at[a] = b.tile[a] + tile % b.tiles[a] * b.zone->m[a];
            tile /= b.tiles[a];
        }
        *image = tile;
    }

    // The cells of a tile to their parts, `step` apart.
    void transform(const Shape& shape, const Block& b, const Family& f, int64_t repeat,
                   int64_t tile, T* to, int64_t step) const {
        thread_local Buffer<T> padded, one, two;
        const T* cells[most_parts];
        int64_t image, start[3];
        place_of(b, tile, &image, start);
        int64_t count[3];
        for (int a = 2; a >= 0; --a) {
            const Piece<T>& piece = f.axes[a];
            start[a] += piece.base - axes_[a].high + repeat % piece.repeats * piece.form->taps;
            count[a] = piece.form->parts;
            repeat /= piece.repeats;
        }
        const int64_t* const in = shape.input;
        const int64_t all = f.parts, vectors = depth_ / lanes;
        T* const own = padded.grow((all + 1) * depth_);
        zero(own + all * depth_, depth_);
        for (int64_t i = 0; i < all; ++i) {
            const int64_t cell[3] = {start[0] + i / count[2] / count[1],
                                     start[1] + i / count[2] % count[1], start[2] + i % count[2]};
            bool inside = true;
            for (int a = 0; a < 3; ++a) inside = inside && cell[a] >= 0 && cell[a] < in[a];
            const T* const from = b.x + b.from.of(image, cell[0], cell[1], cell[2]);
            cells[i] = inside ? from : own + all * depth_;
            if (!inside || in_ == depth_) continue;
            T* const kept = own + i * depth_;
            copy(kept, from, in_);
            zero(kept + in_, depth_ - in_);
            cells[i] = kept;
        }
        // the last axis, then the second, then the first
        const Form<T>*const z = f.axes[0].form, *const y = f.axes[1].form;
        const int64_t row = count[2], plane = count[1] * row;
        const int64_t ahead = 2 * b.zone->m[2] * b.from.axis[2];
        int64_t place[3];
        for (int a = 0; a < 3; ++a) place[a] = f.place[a] * step;
        const bool tall = y->kernels > 1, deep = z->kernels > 1;
        const int64_t wide[3] = {plane * depth_, row * depth_, depth_};
        const int64_t* const after_y = deep ? wide : place;
        const int64_t* const after_x = tall ? wide : after_y;
        T* const planes = deep ? two.grow(all * depth_) : to;
        T* const rows = tall ? one.grow(all * depth_) : planes;
        for (int64_t i = 0; i < count[0]; ++i)
            for (int64_t j = 0; j < count[1]; ++j)
                f.axes[2].form->pick(cells + i * plane + j * row, ahead,
                                      rows + i * after_x[0] + j * after_x[1], after_x[2], vectors);
        if (tall)
            for (int64_t i = 0; i < count[0]; ++i)
                y->forth({rows + i * wide[0], wide[1], wide[2], planes + i * after_y[0], after_y[1],
                          after_y[2], row, vectors});
        if (deep)
            for (int64_t j = 0; j < count[1]; ++j)
                z->forth({planes + j * wide[1], wide[0], wide[2], to + j * place[1], place[0],
                          place[2], row, vectors});
    }

    // A few channels of all tiles and columns at a time, so that the nearest cache holds them.
    void multiply(const Family& f, const Slab& slab, int64_t tiles, const int64_t* some,
                  int64_t blocks, const T* weights, const T* panel, T* products) const {
        const int64_t width = slab.vectors * lanes;
        const int64_t all = f.parts / f.kernels * tiles, groups = ceil_div(all, tile_rows);
        const int64_t fewest = all / groups, longer = all % groups;  // rows; groups of one more
        const auto columns_at = [&](int64_t v) { return min(tile_columns, slab.vectors - v) * lanes; };
        for (int64_t e = 0; e < f.kernels; ++e, panel += all * f.pitch, products += all * width) {
            const T* const w = weights + f.kernel(e) * width * f.depth;
            const auto block_at = [&](int64_t i, int64_t c) {
                return w + some[i] * lanes * f.depth + c * columns_at(some[i]);
            };
            for (int64_t c = 0; c < f.depth; c += chunk)
                for (int64_t block = 0; block < blocks; ++block) {
                    const int64_t v = some[block], columns = columns_at(v);
                    const int64_t channels = min(chunk, f.depth - c), next = c + chunk;
                    const T* const after = block + 1 < blocks ? block_at(block + 1, c)
                                           : next < f.depth   ? block_at(0, next)
                                                              : block_at(0, 0) + width * f.depth;
                    for (int64_t i = 0, first = 0; i < groups; ++i) {
                        const int64_t rows = fewest + (i < longer);
                        const TileProduct<T> product{
                            channels, longest_, panel + first * f.pitch + c, f.pitch,
                            block_at(block, c), after + i % tile_columns * channels * lanes,
                            products + first * width + v * lanes, width, c > 0};
                        if (columns == lanes)
                            tile_product<T, 1>(product, rows);
                        else
                            tile_product<T, tile_columns>(product, rows);
                        first += rows;
                    }
                }
        }
    }

    // The parts of one tile, `step` apart, to outputs.
    void write(const Shape& shape, const Block& b, const Family& f, const Slab& slab, int64_t tile,
               const T* from, int64_t step) const {
        thread_local Buffer<T> one, two;
        const Form<T>*const zs = f.axes[0].form, *const ys = f.axes[1].form;
        const int64_t columns = f.axes[2].form->parts, width = slab.vectors * lanes;
        int64_t place[3];  // from a part to the next
        for (int a = 0; a < 3; ++a) place[a] = f.place[a] * step;
        const auto read_from = [&](const T* at, int64_t plane, int64_t row) {
            from = at;
            place[0] = plane;
            place[1] = row;
            place[2] = width;
        };
        if (zs->kernels > 1) {
            const int64_t row = columns * width, plane = ys->parts * row;
            T* const to = one.grow(zs->m * plane + lanes);
            for (int64_t j = 0; j < ys->parts; ++j)
                zs->back({from + j * place[1], place[0], place[2], to + j * row, plane, width,
                          columns, slab.vectors});
            read_from(to, plane, row);
        }
        if (ys->kernels > 1) {
            const int64_t row = columns * width, plane = ys->m * row;
            T* const to = two.grow(zs->m * plane + lanes);
            for (int64_t i = 0; i < zs->m; ++i)
                ys->back({from + i * place[0], place[1], place[2], to + i * plane, row, width,
                          columns, slab.vectors});
            read_from(to, plane, row);
        }
        int64_t image, at[3];
        place_of(b, tile, &image, at);
        for (int64_t i = 0; i < zs->m; ++i)
            for (int64_t j = 0; j < ys->m; ++j) {
                const int64_t q[3] = {at[0] + i, at[1] + j, at[2]};
                write_row(shape, b, f, slab, image, q, from + i * place[0] + j * place[1],
                          place[2]);
            }
    }

    // Outputs of one row of a tile, which starts at position q.
    void write_row(const Shape& shape, const Block& b, const Family& f, const Slab& slab,
                   int64_t image, const int64_t* q, const T* from, int64_t apart) const {
        const int64_t* const out = shape.output;
        const int64_t channels = b.to.axis[2], stride = layer_.axes[2].stride;
        const int64_t outputs = f.axes[2].form->m;
        const T* const start = start_.data() + b.group * group_starts_ + slab.start;
        int64_t base[3];
        for (int a = 0; a < 3; ++a) base[a] = q[a] * layer_.axes[a].stride - shape.crop[a];
        for (int64_t r = slab.runs; r < slab.end_runs; ++r) {
            const Run& run = runs_[static_cast<size_t>(r)];
            const int64_t oz = base[0] + run.phase[0], oy = base[1] + run.phase[1];
            if (oz < 0 || oz >= out[0] || oy < 0 || oy >= out[1]) continue;
            T* const line = b.y + b.to.of(image, oz, oy, 0) - b.first;
            bool cut = false;  // whether the output ends within the run's phases
            const auto put = [&](int64_t column, int64_t count, int64_t phase, int64_t channel,
                                 int64_t phases) {
                Places<T> places{from + column, apart, {}, start + column, count,
                                 outputs * stride * channels,
                                 layer_.activation == Activation::relu, b.streams};
                for (int64_t j = 0; j < outputs; ++j) {
                    const int64_t ox = base[2] + phase + j * stride;
                    const bool inside = ox >= 0 && ox + phases <= out[2];
                    cut = cut || (!inside && ox + phases > 0 && ox < out[2]);
                    places.to[j] = inside ? line + ox * channels + channel : nullptr;
                }
                if (cut) return;
                f.axes[2].form->put(places);
                if (layer_.activation > Activation::relu)
                    for (int64_t j = 0; j < outputs; ++j)
                        if (places.to[j])
                            activate_row(layer_.activation, layer_.alpha, places.to[j], count);
            };
            put(run.column, run.count, run.phase[2], run.channel, run.phases);
            if (!cut) continue;
            cut = false;
            const Band& band = bands_[static_cast<size_t>(slab.band)];
            int64_t channel = run.channel, phase = run.phase[2];
            for (int64_t column = 0; column < run.count; ++phase, channel = band.first) {
                const int64_t count =
                    min(band.first + band.channels - channel, run.count - column);
                put(run.column + column, count, phase, channel, 1);
                column += count;
            }
        }
    }
};

}  // namespace tconv::TCONV_TARGET
