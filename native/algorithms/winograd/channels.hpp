// Winograd's short algorithms with lanes along channels: cells are transformed without a shuffle, a
// product takes any tiles of several rows or images, and outputs are written where their channels
// lie. Arrays with channels first are turned, a block of tiles at a time.
#pragma once

#include <cmath>

#include "algorithms/combining.hpp"
#include "problem/regions.hpp"
#include "algorithms/winograd/zones.hpp"

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
class WinogradChannels final : public Combining<T>, Zones<T> {
    typedef Zones<T> Base;
    using typename Base::Band, typename Base::Family, typename Base::Run, typename Base::Slab,
        typename Base::Zone, typename Base::Cut;
    using Base::axes_, Base::bias_, Base::in_, Base::layer_, Base::out_, Base::depth_, Base::winograd_;
    using Base::families_, Base::bands_, Base::slabs_, Base::runs_, Base::packed_, Base::start_;
    using Base::group_weights_, Base::group_starts_, Base::kc_;
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    static const char* refusal(const Layer& layer) {
        bool some = false;
        for (int a = 0; a < 3; ++a) {
            const WinogradAxis<T> axis = WinogradAxis<T>::of(axis_groups_of(layer.axes[a]), true);
            if (axis.pieces.empty()) return "a phase has distant taps";
            some = some || axis.m > 1;
        }
        return some ? nullptr : "no phase has two neighbouring taps";
    }

    static Cost cost(const Layer& layer, const Shape& shape, int threads) {
        const WinogradChannels w(layer, nullptr, nullptr, false);
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
        const bool far = w.group_weights_ * int64_t(sizeof(T)) >= uncached_weights;
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
        : WinogradChannels(layer, weight, bias, true) {
        this->pack(weight);
    }

  protected:
    void combine(const Shape& shape, const T* x, T* y, int threads, const Parallel& parallel,
                 Patches& again) const override {
        Cut t;
        this->cut(shape, threads, t);
        if (!t.whole) fill_with_bias(layer_, shape, bias_.data(), y, parallel);
        if (t.zones == 0) return;
        const int64_t blocks = t.count(), bands = count_of(bands_);
        const int64_t splits = this->splits_of(blocks * layer_.groups, threads);
        parallel(blocks * layer_.groups * splits, [&](int64_t task) {
            const int64_t split = task % splits, block = task / splits % blocks;
            run_task(shape, t, task / splits / blocks, block, bands * split / splits,
                     bands * (split + 1) / splits, x, y, again);
        });
    }

  private:
    // Without weights packed.
    WinogradChannels(const Layer& layer, const T* weight, const T* bias, bool)
        : Combining<T>(layer, weight, bias), Base(layer, bias) {}

    // Tiles of one zone, and where what they read and write lies.
    struct Block {
        const Zone* zone;
        Region in, out;
        int64_t image, images, tile[3], tiles[3], all;  // the first, how many along each axis
        const T* x;
        T* y;
        View from, to;
        Family family;  // of the slab at hand
        T *panel, *products;
    };

    // Blocks that read the same weights one after the other.
    struct Work {
        int64_t group, count = 0;
        Block block[most_zones];
        int64_t first;     // channel that stands at `y`
        bool nontemporal;
        int64_t transformed = -1;  // the family whose cells stand in the panels
        std::vector<Patch> again;    // tiles whose cells are not all of ordinary size
    };

    void run_task(const Shape& shape, const Cut& t, int64_t group, int64_t block,
                  int64_t first_band, int64_t end_band, const T* x, T* y, Patches& again) const {
        Work w;
        w.group = group;
        int64_t z = 0;
        for (; t.zone[z].joins || block >= t.zone[z].count(); ++z)
            if (!t.zone[z].joins) block -= t.zone[z].count();
        place_block(shape, t, t.zone[z], block, w.block[w.count++]);
        for (int64_t i = 1; i < t.zones && z == 0 && block == 0; ++i)
            if (t.zone[i].joins) place_block(shape, t, t.zone[i], 0, w.block[w.count++]);

        const bool last = layer_.layout == Layout::channels_last;
        const Region all_in = whole_region(shape.input), all_out = whole_region(shape.output);
        const bool turned_in = !last && all_in.cells() > 1, turned_out = !last && all_out.cells() > 1;
        thread_local Buffer<T> cells, result;
        int64_t held = 0, waiting = 0;  // cells of the input, outputs of a channel
        for (int64_t i = 0; i < w.count; ++i) {
            Block& b = w.block[i];
            held += b.images * b.in.cells();
            waiting += b.images * b.out.cells();
            b.from = view_of(turned_in ? b.in : all_in, turned_in ? in_ : layer_.in_channels);
            b.x = x + b.image * b.from.image + group * in_;
        }
        if (turned_in) {
            T* to = cells.grow(held * in_ + lanes);
            for (int64_t i = 0; i < w.count; ++i) {
                Block& b = w.block[i];
                b.x = to;
                transpose_in(shape.input, b.in, b.images, layer_.in_channels, in_,
                        x + (b.image * layer_.in_channels + group * in_) * all_in.cells(), to);
                to += b.images * b.from.image;
            }
        }
        w.nontemporal = t.nontemporal && !turned_out;
        if (!turned_out) {
            w.first = 0;
            for (int64_t i = 0; i < w.count; ++i) {
                Block& b = w.block[i];
                b.to = view_of(all_out, layer_.out_channels);
                b.y = y + b.image * b.to.image + group * out_;
            }
            run_slabs(shape, first_band, end_band, w);
            if (w.nontemporal) fence();
            again.add(w.again);
            return;
        }
        for (int64_t band = first_band, end; band < end_band; band = end) {
            end = bands_to_turn(band, end_band, waiting);
            w.first = bands_[static_cast<size_t>(band)].first;
            const int64_t channels = channels_of(band, end), channel = group * out_ + w.first;
            T* to = result.grow(waiting * channels);
            if (!t.whole)
                fill_with_bias(layer_, bias_.data() + channel, channels, waiting, to);
            for (int64_t i = 0; i < w.count; ++i) {
                Block& b = w.block[i];
                b.to = view_of(b.out, channels);
                b.y = to;
                to += b.images * b.to.image;
            }
            run_slabs(shape, band, end, w);
            for (int64_t i = 0; i < w.count; ++i) {
                const Block& b = w.block[i];
                transpose_out(shape.output, b.out, b.images, layer_.out_channels, channels, b.y,
                         y + (b.image * layer_.out_channels + channel) * all_out.cells());
            }
        }
        again.add(w.again);
    }

    void place_block(const Shape& shape, const Cut& t, const Zone& zone, int64_t index,
                     Block& b) const {
        b.zone = &zone;
        for (int a = 2; a >= 0; --a) {
            const int64_t first = index % zone.blocks[a] * zone.block[a];
            const int64_t m = zone.m[a], s = layer_.axes[a].stride;
            index /= zone.blocks[a];
            b.tiles[a] = min(zone.block[a], zone.tiles[a] - first);
            b.tile[a] = zone.first[a] + first * m;
            const int64_t cell = b.tile[a] - axes_[a].high;
            const int64_t cells = b.tiles[a] * m + winograd_[a].cells - winograd_[a].m;
            const int64_t output = b.tile[a] * s - shape.crop[a];
            const int64_t outputs = b.tiles[a] * m * s;
            b.in.start[a] = max(cell, 0);
            b.in.count[a] = max(min(cell + cells, shape.input[a]) - b.in.start[a], 0);
            b.out.start[a] = max(output, 0);
            b.out.count[a] = max(min(output + outputs, shape.output[a]) - b.out.start[a], 0);
        }
        b.image = index * zone.block_images;
        b.images = min(zone.block_images, t.images - b.image);
        b.all = b.images * b.tiles[0] * b.tiles[1] * b.tiles[2];
    }

    int64_t channels_of(int64_t first_band, int64_t end_band) const {
        const Band& back = bands_[static_cast<size_t>(end_band - 1)];
        return back.first + back.channels - bands_[static_cast<size_t>(first_band)].first;
    }

    // The end of the bands, from one on, that may wait to be turned; `outputs` of each channel.
    int64_t bands_to_turn(int64_t band, int64_t end_band, int64_t outputs) const {
        const int64_t each = outputs * int64_t(sizeof(T));
        int64_t end = band + 1;
        while (end < end_band && channels_of(band, end + 1) * each <= result_bytes) ++end;
        return end;
    }

    void run_slabs(const Shape& shape, int64_t first_band, int64_t end_band, Work& w) const {
        thread_local Buffer<T> panel, products;
        thread_local Buffer<int64_t> some[most_zones];
        int64_t family = -1, wanted[most_zones];
        for (const Slab& slab : slabs_) {
            if (slab.band < first_band || slab.band >= end_band) continue;
            const int64_t width = slab.vectors * lanes;
            bool any = false;
            for (int64_t i = 0; i < w.count; ++i) {
                Block& b = w.block[i];
                if (slab.family != family) b.family = this->family_at(slab.family, b.zone->place);
                wanted[i] = wanted_columns(shape, b, slab, some[i]);
                any = any || wanted[i] > 0;
            }
            family = slab.family;
            if (!any) continue;
            if (w.transformed != family) {
                w.transformed = family;
                transform(shape, w, panel);
            }
            int64_t size = 0;
            for (int64_t i = 0; i < w.count; ++i) size += w.block[i].family.parts * w.block[i].all;
            T* to = products.grow(size * width + lanes);  // columns of a cut run end in any lane
            for (int64_t i = 0; i < w.count; ++i) {
                w.block[i].products = to;
                to += w.block[i].family.parts * w.block[i].all * width;
            }
            const Family& whole = families_[static_cast<size_t>(family)];
            const T* weights = packed_.data() + w.group * group_weights_ + slab.weights;
            for (int64_t e = 0; e < whole.kernels; ++e, weights += width * whole.depth)
                for (int64_t i = 0; i < w.count; ++i) {
                    const int64_t kernel = w.block[i].family.index_of(e);
                    if (kernel >= 0 && wanted[i] > 0)
                        multiply(w.block[i], slab, kernel, some[i].data(), wanted[i], weights);
                }
            for (int64_t i = 0; i < w.count; ++i)
                for (int64_t tile = 0; tile < w.block[i].all && wanted[i] > 0; ++tile)
                    write(shape, w, w.block[i], slab, tile);
        }
    }

    // The cells of all tiles to their parts.
    void transform(const Shape& shape, Work& w, Buffer<T>& panel) const {
        int64_t size = 0;
        for (int64_t i = 0; i < w.count; ++i) {
            const Block& b = w.block[i];
            size += b.family.parts * b.all * b.family.pitch;
        }
        T* to = panel.grow(size);
        for (int64_t i = 0; i < w.count; ++i) {
            Block& b = w.block[i];
            const Family& f = b.family;
            b.panel = to;
            for (int64_t tile = 0; tile < b.all; ++tile) {
                typename Lanes<T>::V squares{};
                for (int64_t r = 0; r < f.repeats; ++r)
                    squares += transform(shape, b, f, r, tile, to + tile * f.pitch + r * in_,
                                         b.all * f.pitch);
                if (!ordinary<T>(squares)) tell(b, tile, w);
            }
            to += f.parts * b.all * f.pitch;
        }
    }

    void tell(const Block& b, int64_t tile, Work& w) const {
        Patch patch{0, w.group, {}, {b.zone->m[0], b.zone->m[1], b.zone->m[2]}};
        place_of(b, tile, &patch.image, patch.first);
        patch.image += b.image;
        w.again.push_back(patch);
    }

    // Where the blocks of a slab's columns begin that have outputs in the zone.
    int64_t wanted_columns(const Shape& shape, const Block& b, const Slab& slab,
                           Buffer<int64_t>& to) const {
        const int64_t channels = bands_[static_cast<size_t>(slab.band)].channels;
        to.grow(ceil_div(slab.vectors, tile_columns));
        int64_t count = 0;
        for (int64_t v = 0; v < slab.vectors; v += tile_columns) {
            const int64_t first = slab.first + v * lanes;
            const int64_t end = slab.first + min((v + tile_columns) * lanes, slab.columns);
            bool some = b.zone->inner();
            for (int64_t p = first / channels; p * channels < end && !some; ++p)
                some = this->wanted(shape, *b.zone, b.family, p);
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

    // The cells of a tile to their parts, `step` apart. Returns the sum of the cells' squares.
    typename Lanes<T>::V transform(const Shape& shape, const Block& b, const Family& f, int64_t repeat,
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
        typename Lanes<T>::V squares{};
        for (int64_t i = 0; i < count[0]; ++i)
            for (int64_t j = 0; j < count[1]; ++j)
                squares += f.axes[2].form->pick(cells + i * plane + j * row, ahead,
                                                rows + i * after_x[0] + j * after_x[1], after_x[2],
                                                vectors);
        if (tall)
            for (int64_t i = 0; i < count[0]; ++i)
                y->forth({rows + i * wide[0], wide[1], wide[2], planes + i * after_y[0], after_y[1],
                          after_y[2], row, vectors});
        if (deep)
            for (int64_t j = 0; j < count[1]; ++j)
                z->forth({planes + j * wide[1], wide[0], wide[2], to + j * place[1], place[0],
                          place[2], row, vectors});
        return squares;
    }

    // One transform of the taps: a few channels of all tiles and columns at a time, so that the
    // nearest cache holds them.
    void multiply(const Block& b, const Slab& slab, int64_t kernel, const int64_t* some,
                  int64_t blocks, const T* w) const {
        const Family& f = b.family;
        const int64_t width = slab.vectors * lanes;
        const int64_t all = f.parts / f.kernels * b.all, groups = ceil_div(all, tile_rows);
        const int64_t fewest = all / groups, longer = all % groups;  // rows; groups of one more
        const T* const panel = b.panel + kernel * all * f.pitch;
        T* const products = b.products + kernel * all * width;
        const auto columns_at = [&](int64_t v) { return min(tile_columns, slab.vectors - v) * lanes; };
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
                        channels, kc_, panel + first * f.pitch + c, f.pitch,
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

    // The parts of one tile to outputs.
    void write(const Shape& shape, const Work& w, const Block& b, const Slab& slab,
               int64_t tile) const {
        thread_local Buffer<T> one, two;
        const Family& f = b.family;
        const Form<T>*const zs = f.axes[0].form, *const ys = f.axes[1].form;
        const int64_t columns = f.axes[2].form->parts, width = slab.vectors * lanes;
        const int64_t step = b.all * width;
        const T* from = b.products + tile * width;
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
                write_row(shape, w, b, slab, image, q, from + i * place[0] + j * place[1],
                          place[2]);
            }
    }

    // Outputs of one row of a tile, which starts at position q.
    void write_row(const Shape& shape, const Work& w, const Block& b, const Slab& slab,
                   int64_t image, const int64_t* q, const T* from, int64_t apart) const {
        const int64_t* const out = shape.output;
        const int64_t channels = b.to.axis[2], stride = layer_.axes[2].stride;
        const Form<T>& form = *b.family.axes[2].form;
        const int64_t outputs = form.m;
        const T* const start = start_.data() + w.group * group_starts_ + slab.start;
        int64_t base[3];
        for (int a = 0; a < 3; ++a) base[a] = q[a] * layer_.axes[a].stride - shape.crop[a];
        for (int64_t r = slab.runs; r < slab.end_runs; ++r) {
            const Run& run = runs_[static_cast<size_t>(r)];
            const int64_t oz = base[0] + run.phase[0], oy = base[1] + run.phase[1];
            if (oz < 0 || oz >= out[0] || oy < 0 || oy >= out[1]) continue;
            T* const line = b.y + b.to.of(image, oz, oy, 0) - w.first;
            bool cut = false;  // whether the output ends within the run's phases
            const auto put = [&](int64_t column, int64_t count, int64_t phase, int64_t channel,
                                 int64_t phases) {
                Places<T> places{from + column, apart, {}, start + column, count,
                                 outputs * stride * channels,
                                 layer_.activation == Activation::relu, w.nontemporal};
                for (int64_t j = 0; j < outputs; ++j) {
                    const int64_t ox = base[2] + phase + j * stride;
                    const bool inside = ox >= 0 && ox + phases <= out[2];
                    cut = cut || (!inside && ox + phases > 0 && ox < out[2]);
                    places.to[j] = inside ? line + ox * channels + channel : nullptr;
                }
                if (cut) return;
                form.put(places);
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
