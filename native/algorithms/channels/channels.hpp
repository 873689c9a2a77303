// The phase product with lanes along output channels: weights are vectors, and inputs are broadcast
// from wherever they lie, so that a block takes any positions, of several rows or images. No tap
// that reads beyond the input is multiplied. It reads and writes arrays with channels last in
// place; those with channels first are turned, a tile at a time. Where all the phases' output
// channels are few, input channels stand in the lanes instead.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "epilogue.hpp"
#include "problem/regions.hpp"
#include "heuristics/costs.hpp"
#include "epilogue.hpp"
#include "gemm/indirect.hpp"
#include "problem/phases.hpp"

namespace tconv::TCONV_TARGET::along_channels {

constexpr int64_t read_bytes = 1 << 20;      // inputs of a tile, read for every block of weights
constexpr int64_t turned_bytes = 512 << 10;  // outputs of a tile that wait to be turned
constexpr int64_t most_tile_positions = 1024;
constexpr int64_t strip_bytes = 48 << 10;    // of outputs computed before they are written
constexpr int64_t strip_positions = 24;      // whole blocks of any width
constexpr int64_t strip_weights = 1 << 20;   // bytes that are read for every strip
constexpr int64_t fetched_weights = 512 << 10;  // bytes that fit the caches beside what is in use
constexpr int64_t fetching_blocks = 16;      // from which on it is worth fetching ahead
constexpr double packed_cost = 4;            // a weight packed, in vector multiply-adds
constexpr double few_alike = 6;              // positions that share the weights they read
constexpr double far_weight_cost = 11;       // a vector of such weights, read for one position
constexpr int64_t few_cells = 48;            // of an input whose taps are stamped one by one
constexpr int64_t stamped_channels = 64;     // at least
constexpr double stamped_weight_cost = 22;   // a vector of far weights, read once
constexpr int64_t narrow = 64;  // channels from which on phases do not share vectors

template <class T>
class Channels final : public Packed<T> {
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    static const char* refusal(const Layer&) { return nullptr; }

    // What this costs: products with taps within the input alone, and what a position takes beside
    // them. With channels first, turning what is read and written.
    static Cost cost(const Layer& layer, const Shape& shape, int threads) {
        const Channels plain(layer, nullptr);
        const Cut t = plain.cut(shape, threads);
        const bool far = plain.groups_ * plain.group_weights_ * int64_t(sizeof(T)) > uncached_weights;
        Cost c;
        for (const Columns& columns : plain.columns_) {
            double sums = 1, products = static_cast<double>(plain.tap_weights(columns) / lanes);
            double alike = static_cast<double>(shape.batch);  // positions of the same taps
            for (int a = 0; a < 3; ++a) {
                const Range range = plain.range(columns, shape, a);
                double held = 0;
                for (const int64_t offset : columns.axes[a]->offsets)
                    held += static_cast<double>(max(
                        min(range.end, shape.input[a] + offset) - max(range.start, offset), 0));
                products *= held;
                const int64_t positions = max(range.end - range.start, 0);
                const std::vector<int64_t>& offsets = columns.axes[a]->offsets;
                const int64_t reach = offsets.back() - offsets.front();
                sums *= static_cast<double>(positions);
                alike *= static_cast<double>(positions) /
                         static_cast<double>(max(1, min(positions, 2 * reach + 1)));
            }
            c.products += products;
            if (far && alike < few_alike && !plain.stamps(columns, shape))
                c.others += far_weight_cost * products * (1 / std::max(alike, 1.0) - 1 / few_alike);
            c.others += sums * plain.beside(columns);
        }
        const double images = static_cast<double>(shape.batch * plain.groups_);
        c.products *= images;
        c.others *= images;
        if (far && plain.stamps(plain.columns_[0], shape)) {
            const double vectors = static_cast<double>(plain.groups_ * plain.group_weights_ / lanes);
            c.others += std::hypot(c.products, stamped_weight_cost * vectors) - c.products;
        }
        double moved = 0;
        for (const bool in : {true, false}) {
            const int64_t* size = in ? shape.input : shape.output;
            moved += static_cast<double>(shape.batch) * static_cast<double>(size[0]) *
                     static_cast<double>(size[1]) * static_cast<double>(size[2]) *
                     static_cast<double>(in ? layer.in_channels : layer.out_channels);
        }
        if (layer.layout == Layout::channels_first) c.others += 6 * moved / lanes;
        const double weights = static_cast<double>(plain.groups_ * plain.group_weights_);
        c.packing = packed_cost * weights;
        c.tasks = t.count() * plain.groups_;
        // every tile reads all weights, from a cache further out
        c.bytes = (moved + weights * static_cast<double>(t.count()) / 4) * sizeof(T);
        return c;
    }

    Channels(const Layer& layer, const T* weight, const T* bias) : Channels(layer, bias) {
        pack(weight);
    }

    void run(const Shape& shape, const T* x, T* y, int threads,
             const Parallel& parallel) const override {
        const Cut t = cut(shape, threads);
        if (!t.whole) fill_with_bias(layer_, shape, bias_.data(), y, parallel);
        const int64_t tiles = t.count(), groups = groups_, bands = size(bands_);
        if (tiles == 0) return;
        const int64_t wanted = ceil_div(tasks_per_thread * threads, tiles * groups);
        const int64_t splits = threads > 1 ? min(bands, wanted) : 1;
        parallel(tiles * groups * splits, [&](int64_t task) {
            const int64_t split = task % splits, rest = task / splits;
            run_tile(shape, t, x, y, rest / tiles, rest % tiles, bands * split / splits,
                     bands * (split + 1) / splits);
        });
    }

  private:
    template <class Vector>
    static int64_t size(const Vector& v) {
        return static_cast<int64_t>(v.size());
    }

    // Columns of one block of products: output channels of one phase, or of all the phases of a
    // share, one after the other.
    struct Columns {
        const AxisGroup* axes[3];
        int64_t phase[3];          // on each axis the one phase, or -1: all of the share
        int64_t channels;          // a phase
        int64_t first, count;      // among phases times channels
        int64_t vectors, weights;  // where its weights start, in those of a group
        int64_t start;             // where its biases start
        bool dots;                 // whether input channels stand in the lanes
        int64_t taps() const {
            return size(axes[0]->offsets) * size(axes[1]->offsets) * size(axes[2]->offsets);
        }
        int64_t width() const { return dots ? count : vectors * lanes; }
        int64_t starts() const {
            return dots ? ceil_div(sums_at_once, lanes) * lanes : vectors * lanes;
        }
    };

    // Output channels computed together, and their columns; of strips, those of whole rows.
    struct Band {
        int64_t first, channels, column, columns;
    };

    struct Range {
        int64_t start, end;
    };

    // How one call's positions are cut.
    struct Cut {
        int64_t first[3], positions[3], tile[3], tiles[3], images, image_tiles;
        bool whole;  // whether every output is computed from some input
        int64_t count() const { return image_tiles * tiles[0] * tiles[1] * tiles[2]; }
    };

    // Positions of an axis that have the same taps within the input and phases within the output.
    struct Segment {
        int64_t start, end, first_tap, end_tap, first_phase, end_phase;
        bool like(const Segment& s) const {
            return first_tap == s.first_tap && end_tap == s.end_tap &&
                   first_phase == s.first_phase && end_phase == s.end_phase;
        }
    };

    // Columns that lie side by side in the output too.
    struct Run {
        int64_t column, to, count;
    };

    // Without weights packed.
    Channels(const Layer& layer, const T* bias) : layer_(layer) {
        last_ = layer.layout == Layout::channels_last;
        groups_ = layer.groups;
        in_ = layer.in_channels / groups_;
        out_ = layer.out_channels / groups_;
        for (int a = 0; a < 3; ++a) axes_[a] = axis_groups_of(layer.axes[a]);
        strips_ = strips_pay();
        strips_ ? make_rows() : make_columns();
        bias_.grow(layer.out_channels);
        for (int64_t c = 0; c < layer.out_channels; ++c) bias_.data()[c] = bias ? bias[c] : T(0);
    }

    // Blocks of columns, nearly equal.
    static int64_t next_vectors(int64_t left) {
        return ceil_div(left, ceil_div(left, most_columns));
    }

    // Whether the phases of a row are computed together, in strips: where they lie side by side,
    // and a block of columns would write only a part of that.
    bool strips_pay() const {
        const AxisGroups& x = axes_[2];
        const int64_t stride = layer_.axes[2].stride, width = row_width();
        if (!last_ || groups_ > 1 || size(x.groups) > 1 || size(x.groups[0].phases) < stride)
            return false;
        if (width % lanes ? width < 2 * lanes : width <= most_columns * lanes) return false;
        int64_t taps = size(x.groups[0].offsets), rows = 1;
        for (int a = 0; a < 2; ++a) {
            int64_t most = 0;
            for (const AxisGroup& share : axes_[a].groups) most = max(most, size(share.offsets));
            taps *= most;
            rows *= layer_.axes[a].stride;
        }
        return 4 * rows * ceil_div(width, lanes) <= 5 * ceil_div(rows * width, lanes) &&
               taps * in_ * width * int64_t(sizeof(T)) <= strip_weights &&
               strip_positions * width * int64_t(sizeof(T)) <= 2 * strip_bytes;
    }

    // Cells of the output a position and row.
    int64_t row_width() const { return layer_.axes[2].stride * out_; }

    void make_rows() {
        for (const AxisGroup& z : axes_[0].groups)
            for (const AxisGroup& y : axes_[1].groups) {
                const AxisGroup* const axes[3] = {&z, &y, &axes_[2].groups[0]};
                int64_t p[3] = {0, 0, -1};
                for (p[0] = 0; p[0] < size(z.phases); ++p[0])
                    for (p[1] = 0; p[1] < size(y.phases); ++p[1]) {
                        bands_.push_back({0, out_, size(columns_), 0});
                        add_columns(axes, p, out_, row_width());
                        bands_.back().columns = size(columns_) - bands_.back().column;
                    }
            }
    }

    void make_columns() {
        const bool joint = out_ < (out_ % lanes ? narrow : min(most_columns, 3) * lanes);
        for (int64_t first = 0; first < out_;) {
            const int64_t left = out_ - first;
            int64_t channels = min(next_vectors(ceil_div(left, lanes)) * lanes, left);
            if (joint) channels = out_;
            bands_.push_back({first, channels, size(columns_), 0});
            for (const AxisGroup& z : axes_[0].groups)
                for (const AxisGroup& y : axes_[1].groups)
                    for (const AxisGroup& x : axes_[2].groups) {
                        const AxisGroup* const axes[3] = {&z, &y, &x};
                        if (joint) {
                            const int64_t all[3] = {-1, -1, -1};
                            const int64_t phases =
                                size(z.phases) * size(y.phases) * size(x.phases);
                            add_columns(axes, all, channels, phases * channels);
                        } else {
                            int64_t p[3];
                            for (p[0] = 0; p[0] < size(z.phases); ++p[0])
                                for (p[1] = 0; p[1] < size(y.phases); ++p[1])
                                    for (p[2] = 0; p[2] < size(x.phases); ++p[2])
                                        add_columns(axes, p, channels, channels);
                        }
                    }
            bands_.back().columns = size(columns_) - bands_.back().column;
            first += channels;
        }
    }

    void add_columns(const AxisGroup* const* axes, const int64_t* phase, int64_t channels,
                     int64_t count) {
        for (int64_t first = 0; first < count;) {
            Columns columns{{axes[0], axes[1], axes[2]}, {phase[0], phase[1], phase[2]}, channels,
                            first, 0, 1, group_weights_, group_starts_, false};
            columns.dots = !strips_ && dots_pay(count, columns.taps());
            const int64_t left = count - first;
            if (columns.dots) {
                columns.count = ceil_div(left, ceil_div(left, most_dots));
            } else {
                columns.vectors = next_vectors(ceil_div(left, lanes));
                columns.count = min(columns.vectors * lanes, left);
            }
            columns_.push_back(columns);
            group_weights_ += columns.taps() * tap_weights(columns);
            group_starts_ += columns.starts();
            first += columns.count;
        }
    }

    // Operations a position beside its products: finding it, sums of dots, storing.
    double beside(const Columns& columns) const {
        const bool scattered = columns.channels % lanes && !strips_;
        const int64_t apart = columns.dots ? 6 * columns.count
                              : scattered  ? 2 * columns.count
                                           : 4 * columns.vectors;
        return static_cast<double>(8 + apart);
    }

    // Whether columns of a part cost less with input channels in the lanes.
    bool dots_pay(int64_t count, int64_t taps) const {
        return count * (ceil_div(in_, lanes) * taps + 4) < ceil_div(count, lanes) * in_ * taps;
    }

    int64_t tap_weights(const Columns& columns) const {
        return columns.width() * (columns.dots ? ceil_div(in_, lanes) * lanes : in_);
    }

    // Which phase of each axis, among those of its share, a phase of the columns is.
    static void phases_of(const Columns& columns, int64_t phase, int64_t* at) {
        for (int a = 2; a >= 0; --a) {
            at[a] = columns.phase[a];
            if (at[a] >= 0) continue;
            at[a] = phase % size(columns.axes[a]->phases);
            phase /= size(columns.axes[a]->phases);
        }
    }

    // [group][columns][tap], and of each [channel][lanes], or with dots [channels][column][lanes]
    void pack(const T* weight) {
        const int64_t kernel =
            layer_.axes[0].kernel * layer_.axes[1].kernel * layer_.axes[2].kernel;
        T* const packed = packed_.grow(groups_ * group_weights_ + 1);
        T* const starts = start_.grow(groups_ * group_starts_);
        int64_t place[most_columns * lanes];
        for (int64_t g = 0; g < groups_; ++g)
            for (const Band& band : bands_)
                for (int64_t i = band.column; i < band.column + band.columns; ++i) {
                    const Columns& columns = columns_[i];
                    pack_starts(columns, bias_.data() + g * out_ + band.first,
                                starts + g * group_starts_ + columns.start);
                    T* to = packed + g * group_weights_ + columns.weights;
                    int64_t tap[3];
                    for (tap[0] = 0; tap[0] < size(columns.axes[0]->offsets); ++tap[0])
                        for (tap[1] = 0; tap[1] < size(columns.axes[1]->offsets); ++tap[1])
                            for (tap[2] = 0; tap[2] < size(columns.axes[2]->offsets); ++tap[2]) {
                                for (int64_t j = 0; j < columns.count; ++j) {
                                    const int64_t channel = (columns.first + j) % columns.channels;
                                    place[j] = (band.first + channel) * kernel +
                                               kernel_of(columns, columns.first + j, tap);
                                }
                                pack_tap(columns, weight + g * in_ * out_ * kernel, out_ * kernel,
                                         place, to);
                                to += tap_weights(columns);
                            }
                }
    }

    int64_t kernel_of(const Columns& columns, int64_t column, const int64_t* tap) const {
        int64_t phase[3], kernel = 0;
        phases_of(columns, column / columns.channels, phase);
        for (int a = 0; a < 3; ++a)
            kernel = kernel * layer_.axes[a].kernel + columns.axes[a]->kernels[phase[a]][tap[a]];
        return kernel;
    }

    void pack_starts(const Columns& columns, const T* bias, T* to) const {
        for (int64_t j = 0; j < columns.starts(); ++j) {
            const int64_t column = columns.dots ? j % columns.count : j;
            const int64_t channel = (columns.first + column) % columns.channels;
            to[j] = column < columns.count ? bias[channel] : T(0);
        }
    }

    void pack_tap(const Columns& columns, const T* weight, int64_t channel, const int64_t* place,
                  T* to) const {
        const int64_t width = columns.width();
        if (columns.dots) {
            for (int64_t c = 0; c < ceil_div(in_, lanes) * lanes; ++c)
                for (int64_t j = 0; j < width; ++j)
                    to[(c / lanes * width + j) * lanes + c % lanes] =
                        c < in_ ? weight[c * channel + place[j]] : T(0);
            return;
        }
        for (int64_t c = 0; c < in_; ++c, to += width) {
            for (int64_t j = 0; j < columns.count; ++j) to[j] = weight[c * channel + place[j]];
            for (int64_t j = columns.count; j < width; ++j) to[j] = T(0);
        }
    }

    // Positions of an axis from which columns have an output, and some input reaches it.
    Range range(const Columns& columns, const Shape& shape, int a) const {
        const AxisGroup& share = *columns.axes[a];
        const bool one = columns.phase[a] >= 0;
        const int64_t low = one ? share.phases[columns.phase[a]] : share.phases.front();
        const int64_t high = one ? low : share.phases.back();
        return range(share, low, high, shape, a);
    }

    Range range(const AxisGroup& share, int64_t low, int64_t high, const Shape& shape, int a) const {
        const int64_t s = layer_.axes[a].stride, crop = shape.crop[a];
        return {max(ceil_div(crop - high, s), share.offsets.front()),
                min(floor_div(crop + shape.output[a] - 1 - low, s),
                    shape.input[a] - 1 + share.offsets.back()) + 1};
    }

    Cut cut(const Shape& shape, int threads) const {
        Cut t;
        t.whole = true;
        for (int a = 0; a < 3; ++a) {
            int64_t low = INT64_MAX, high = INT64_MIN, computed = 0;
            for (const AxisGroup& share : axes_[a].groups)
                for (const int64_t phase : share.phases) {
                    const Range some = range(share, phase, phase, shape, a);
                    if (some.end <= some.start) continue;
                    computed += some.end - some.start;
                    low = min(low, some.start);
                    high = max(high, some.end);
                }
            t.whole = t.whole && computed == shape.output[a];
            t.first[a] = computed ? low : 0;
            t.positions[a] = computed ? high - low : 0;
        }
        int64_t most = min(most_tile_positions, read_bytes / (in_ * int64_t(sizeof(T))));
        if (!last_) {
            int64_t wide = 0, phases = 1;
            for (const Band& band : bands_) wide = max(wide, band.channels);
            for (int a = 0; a < 3; ++a) phases *= layer_.axes[a].stride;
            most = min(most, turned_bytes / (phases * wide * int64_t(sizeof(T))));
        }
        const int64_t all = shape.batch * t.positions[0] * t.positions[1] * t.positions[2];
        const int64_t fair = all * groups_ / (tasks_per_thread * threads);
        const int64_t least = strips_ ? 2 * strip_positions : 8 * most_positions(1);
        if (threads > 1) most = min(most, max(fair, least));
        int64_t room = max(most, 1);
        for (int a = 2; a >= 0; --a) {
            t.tiles[a] = max(1, ceil_div(t.positions[a], room));
            t.tile[a] = ceil_div(t.positions[a], t.tiles[a]);
            t.tiles[a] = t.tile[a] ? ceil_div(t.positions[a], t.tile[a]) : 0;
            room = t.tiles[a] > 1 ? 1 : max(1, room / max(1, t.tile[a]));
        }
        t.images = room > most_positions(1) ? room / most_positions(1) * most_positions(1) : room;
        t.images = min(max(shape.batch, 1), t.images);
        t.image_tiles = ceil_div(shape.batch, t.images);
        return t;
    }

    void run_tile(const Shape& shape, const Cut& t, const T* x, T* y, int64_t group, int64_t tile,
                  int64_t first_band, int64_t end_band) const {
        Region q, in, out;
        for (int a = 2; a >= 0; --a) {
            const int64_t at = tile % t.tiles[a] * t.tile[a], s = layer_.axes[a].stride;
            q.start[a] = t.first[a] + at;
            q.count[a] = min(t.tile[a], t.positions[a] - at);
            tile /= t.tiles[a];
            const int64_t end = q.start[a] + q.count[a];
            in.start[a] = max(q.start[a] - axes_[a].high, 0);
            in.count[a] = max(min(end - axes_[a].low, shape.input[a]) - in.start[a], 0);
            out.start[a] = max(q.start[a] * s - shape.crop[a], 0);
            out.count[a] = max(min(end * s - shape.crop[a], shape.output[a]) - out.start[a], 0);
        }
        const int64_t image = tile * t.images, images = min(t.images, shape.batch - image);
        const Region all_in = whole_region(shape.input), all_out = whole_region(shape.output);
        thread_local Buffer<T> panel, result;
        View from = view_of(all_in, layer_.in_channels);
        const T* source = x + image * from.image + group * in_;
        if (!last_ && all_in.cells() > 1) {
            from = view_of(in, in_);
            panel.grow(images * from.image);
            transpose_in(shape.input, in, images, layer_.in_channels, in_,
                    x + (image * layer_.in_channels + group * in_) * all_in.cells(), panel.data());
            source = panel.data();
        }
        thread_local Strips<T> strips;
        const bool nontemporal = bytes_moved<T>(layer_, shape, false) >= nontemporal_bytes;
        strips.start(nontemporal);
        const bool turned = !last_ && all_out.cells() > 1;
        for (int64_t b = first_band; b < end_band; ++b) {
            const Band& band = bands_[b];
            View to = view_of(all_out, layer_.out_channels);
            T* target = y + image * to.image + group * out_ + band.first;
            if (turned) {
                to = view_of(out, band.channels);
                target = result.grow(images * to.image);
                if (!t.whole)
                    fill_with_bias(layer_, bias_.data() + group * out_ + band.first, band.channels,
                                   images * out.cells(), target);
            }
            if (strips_)
                multiply_rows(shape, q, images, band, source, from, target, to, strips);
            for (int64_t i = 0; i < band.columns && !strips_; ++i)
                multiply(shape, q, images, columns_[band.column + i], group, source, from, target,
                         to);
            if (turned)
                transpose_out(shape.output, out, images, layer_.out_channels, band.channels, target,
                         y + (image * layer_.out_channels + group * out_ + band.first) *
                                 all_out.cells());
        }
        strips.finish();
        if (nontemporal) fence();
    }

    // Cuts the positions of an axis into segments; returns how many.
    int64_t segments(const Columns& columns, const Shape& shape, const Region& q, int a,
                     Buffer<Segment>& to) const {
        const AxisGroup& share = *columns.axes[a];
        const Range all = range(columns, shape, a);
        const int64_t start = max(all.start, q.start[a]);
        const int64_t end = min(all.end, q.start[a] + q.count[a]);
        if (end <= start) return 0;
        Segment* segment = to.grow(end - start);
        const int64_t s = layer_.axes[a].stride, in = shape.input[a];
        const int64_t taps = size(share.offsets);
        const bool one = columns.phase[a] >= 0;
        const int64_t end_phase = one ? columns.phase[a] + 1 : size(share.phases);
        const int64_t first_phase = one ? columns.phase[a] : 0;
        // between these everything lies inside
        const int64_t inner = max(share.offsets.back(),
                                  ceil_div(shape.crop[a] - share.phases[first_phase], s));
        const int64_t outer = min(in - 1 + share.offsets.front(),
                                  floor_div(shape.crop[a] + shape.output[a] - 1 -
                                                share.phases[end_phase - 1], s)) + 1;
        int64_t count = 0;
        for (int64_t at = start; at < end;) {
            Segment now{at, at + 1, 0, taps, first_phase, end_phase};
            if (at >= inner && at < outer) {
                now.end = min(end, outer);
            } else {
                while (now.first_tap < taps && at - share.offsets[now.first_tap] >= in)
                    ++now.first_tap;
                while (now.end_tap > now.first_tap && at < share.offsets[now.end_tap - 1])
                    --now.end_tap;
                const int64_t o = at * s - shape.crop[a];
                while (now.first_phase < end_phase && o + share.phases[now.first_phase] < 0)
                    ++now.first_phase;
                while (now.end_phase > now.first_phase &&
                       o + share.phases[now.end_phase - 1] >= shape.output[a])
                    --now.end_phase;
            }
            at = now.end;
            if (count && segment[count - 1].like(now))
                segment[count - 1].end = now.end;
            else
                segment[count++] = now;
        }
        return count;
    }

    // Calls f for every box of positions of some columns that have the same taps and phases.
    template <class F>
    void each_box(const Shape& shape, const Region& q, const Columns& columns, const F& f) const {
        thread_local Buffer<Segment> segment[3];
        int64_t count[3];
        for (int a = 0; a < 3; ++a) {
            count[a] = segments(columns, shape, q, a, segment[a]);
            if (count[a] == 0) return;
        }
        for (int64_t i = 0; i < count[0]; ++i)
            for (int64_t j = 0; j < count[1]; ++j)
                for (int64_t k = 0; k < count[2]; ++k) {
                    const Segment box[3] = {segment[0].data()[i], segment[1].data()[j],
                                            segment[2].data()[k]};
                    f(box);
                }
    }

    void multiply(const Shape& shape, const Region& q, int64_t images, const Columns& columns,
                  int64_t group, const T* x, const View& from, T* y, const View& to) const {
        if (stamps(columns, shape)) return stamp(shape, q, images, columns, group, x, from, y, to);
        each_box(shape, q, columns, [&](const Segment* box) {
            multiply_box(shape, box, images, columns, group, x, from, y, to);
        });
    }

    // Whether cells are so few that hardly two positions have the same taps: weights are then read
    // once for all cells, a tap at a time, and not once for every position.
    bool stamps(const Columns& columns, const Shape& shape) const {
        if (columns.dots || strips_ || columns.phase[2] < 0 || in_ < stamped_channels) return false;
        int64_t alike = shape.batch, cells = shape.batch;
        for (int a = 0; a < 3; ++a) {
            const std::vector<int64_t>& offsets = columns.axes[a]->offsets;
            const int64_t reach = offsets.back() - offsets.front();
            alike *= max(1, shape.input[a] / (2 * reach + 1));
            cells *= shape.input[a];
        }
        return cells <= few_cells && columns.taps() > 1 &&
               static_cast<double>(alike) < few_alike;
    }

    // Adds up what every tap makes of the cells.
    void stamp(const Shape& shape, const Region& q, int64_t images, const Columns& columns,
               int64_t group, const T* x, const View& from, T* y, const View& to) const {
        typedef typename Lanes<T>::V V;
        thread_local Buffer<T> sums;
        thread_local Buffer<int64_t> places;
        const int64_t width = columns.width(), most = most_positions(columns.vectors);
        Segment box[3];
        for (int a = 0; a < 3; ++a) {
            const Range all = range(columns, shape, a);
            box[a] = {max(all.start, q.start[a]), min(all.end, q.start[a] + q.count[a]), 0,
                      size(columns.axes[a]->offsets), columns.phase[a], columns.phase[a] + 1};
            if (box[a].end <= box[a].start) return;
        }
        const int64_t positions = positions_of(box, images);
        T* const sum = sums.grow(positions * width);
        const T* const start = start_.data() + group * group_starts_ + columns.start;
        for (int64_t m = 0; m < positions; ++m) copy(sum + m * width, start, width);
        int64_t* const reads = places.grow(4 * positions);
        int64_t* const rows = reads + positions;
        const T zeros[most_columns * lanes] = {};
        T made[sums_at_once * lanes];
        int64_t column[most_columns], own[most_positions(1)];
        for (int64_t n = 0; n < columns.vectors; ++n) column[n] = n * lanes;
        for (int64_t m = 0; m < most; ++m) own[m] = m * width;
        std::vector<Piece> piece;
        for (int64_t c = 0; c < in_; c += kc)
            piece.push_back({c, c * width, min(kc, in_ - c), c + kc < in_});
        Gathered<T> product;
        product.piece = piece.data();
        product.pieces = size(piece);
        product.x = x;
        product.weights = packed_.data() + group * group_weights_ + columns.weights;
        product.start = zeros;
        product.y = made;
        product.to = own;
        product.column = column;
        product.relu = false;
        for (int64_t tap = 0; tap < columns.taps(); ++tap, product.weights += tap_weights(columns)) {
            const int64_t count = cells_of(shape, box, images, columns, tap, from, reads, rows);
            each_block(0, count, columns.vectors, [&](int64_t first, int64_t height) {
                product.from = reads + first;
                gather_of<T, most_columns>(height, columns.vectors)(product);
                for (int64_t m = 0; m < height; ++m)
                    for (int64_t n = 0; n < width; n += lanes) {
                        T* const at = sum + rows[first + m] * width + n;
                        const V v = load<T>(at) + load<T>(made + m * width + n);
                        store<T>(at, v);
                    }
            });
        }
        if (layer_.activation == Activation::relu)
            for (int64_t i = 0; i < positions * width; i += lanes)
                store<T>(sum + i, rectified(load<T>(sum + i)));
        else if (layer_.activation != Activation::none)
            activate(sum, positions * width);
        Run run[most_columns * lanes];
        const int64_t runs = runs_of(columns, box, to, run);
        int64_t* const writes = rows + positions;
        place(shape, box, images, false, from, to, writes + positions, writes);
        write_rows(sum, width, positions, writes, run, runs, y);
    }

    // The cells that a tap reads, and at which of a box's positions; returns how many.
    int64_t cells_of(const Shape& shape, const Segment* box, int64_t images, const Columns& columns,
                     int64_t tap, const View& from, int64_t* reads, int64_t* rows) const {
        int64_t offset[3], low[3], high[3], length[3], count = 0;
        for (int a = 2; a >= 0; --a) {
            const std::vector<int64_t>& offsets = columns.axes[a]->offsets;
            offset[a] = offsets[static_cast<size_t>(tap % size(offsets))];
            tap /= size(offsets);
            low[a] = max(box[a].start, offset[a]);
            high[a] = min(box[a].end, shape.input[a] + offset[a]);
            length[a] = box[a].end - box[a].start;
        }
        for (int64_t n = 0; n < images; ++n)
            for (int64_t z = low[0]; z < high[0]; ++z)
                for (int64_t r = low[1]; r < high[1]; ++r)
                    for (int64_t p = low[2]; p < high[2]; ++p, ++count) {
                        reads[count] = from.of(n, z - offset[0], r - offset[1], p - offset[2]);
                        rows[count] = ((n * length[0] + z - box[0].start) * length[1] + r -
                                       box[1].start) * length[2] + p - box[2].start;
                    }
        return count;
    }

    void multiply_rows(const Shape& shape, const Region& q, int64_t images, const Band& band,
                       const T* x, const View& from, T* y, const View& to,
                       Strips<T>& strips) const {
        each_box(shape, q, columns_[band.column], [&](const Segment* box) {
            if (box[2].end_phase - box[2].first_phase == layer_.axes[2].stride)
                return run_strips(shape, box, images, band, x, from, y, to, strips);
            for (int64_t i = 0; i < band.columns; ++i)
                multiply_box(shape, box, images, columns_[band.column + i], 0, x, from, y, to);
        });
    }

    void run_strips(const Shape& shape, const Segment* box, int64_t images, const Band& band,
                    const T* x, const View& from, T* y, const View& to, Strips<T>& strips) const {
        thread_local Buffer<Piece> pieces;
        thread_local Buffer<int64_t> places;
        const Columns* const columns = columns_.data() + band.column;
        Run run[most_columns * lanes];
        if (runs_of(columns[0], box, to, run) == 0) return;
        const int64_t width = row_width(), positions = positions_of(box, images);
        const int64_t least = strip_positions * width * int64_t(sizeof(T));
        const int64_t most = max(strip_bytes / least, 1) * strip_positions;
        int64_t* const reads = places.grow(2 * positions + most);
        int64_t* const writes = reads + positions;
        int64_t* const cells = writes + positions;
        place(shape, box, images, false, from, to, reads, writes);
        for (int64_t m = 0; m < most; ++m) cells[m] = m * width;
        const int64_t count = piece_count(columns[0], box);
        Piece* const piece = pieces.grow(count * band.columns);
        for (int64_t i = 0; i < band.columns; ++i)
            pieces_of(columns[i], box, from, piece + i * count);
        int64_t column[most_columns];
        for (int64_t n = 0; n < most_columns; ++n) column[n] = n * lanes;
        Gathered<T> product;
        Beside<T>& beside = product.beside;
        product.pieces = beside.pieces = count;
        product.x = x;
        product.column = column;
        product.relu = layer_.activation == Activation::relu;
        // whole lines of an output that no cache holds need no strip
        T* const row = y + run[0].to;
        const bool direct = strips.nontemporal() && out_ % lanes == 0 && aligned(row + writes[0]) &&
                            layer_.activation <= Activation::relu;
        product.nontemporal = direct;
        for (int64_t first = 0, end; first < positions; first = end) {
            end = min(first + most, positions);
            T* const made = direct ? row : strips.room((end - first) * width);
            for (int64_t i = 0; i < band.columns; ++i) {
                // the last columns, which may reach beyond the row, before those that follow them
                const int64_t at = i == 0 ? band.columns - 1 : i - 1, vectors = columns[at].vectors;
                product.piece = piece + at * count;
                product.weights = packed_.data() + columns[at].weights;
                product.start = start_.data() + columns[at].start;
                product.y = made + columns[at].first;
                const int64_t chunks = product.chunks();
                each_block(first, end, vectors, [&](int64_t m, int64_t height) {
                    product.from = reads + m;
                    product.to = direct ? writes + m : cells + m - first;
                    beside.ahead = i == 0 ? ahead_of(reads, m, height, positions) : 0;
                    if (chunks && !direct) {
                        beside.flow = strips.flow(height * vectors);
                        beside.vectors = ceil_div(beside.flow.vectors, chunks);
                    }
                    gather_of<T, most_columns>(height, vectors)(product);
                });
            }
            if (direct) continue;
            strips.finish();
            if (layer_.activation > Activation::relu)
                activate_row(layer_.activation, layer_.alpha, made, (end - first) * width);
            for (int64_t m = first, next; m < end; m = next) {
                for (next = m + 1; next < end && writes[next] == writes[next - 1] + width;) ++next;
                strips.add(y + (writes[m] + run[0].to), (next - m) * width);
            }
            strips.swap();
        }
    }

    // Calls f(first position, positions) for blocks of nearly equal height.
    template <class F>
    static void each_block(int64_t first, int64_t end, int64_t vectors, const F& f) {
        const int64_t positions = end - first;
        const int64_t blocks = ceil_div(positions, most_positions(vectors));
        for (int64_t b = 0; b < blocks; ++b) {
            const int64_t low = positions * b / blocks;
            f(first + low, positions * (b + 1) / blocks - low);
        }
    }

    // From the inputs of a block to those of the next.
    static int64_t ahead_of(const int64_t* reads, int64_t first, int64_t height,
                            int64_t positions) {
        return first + height < positions ? reads[first + height] - reads[first] : 0;
    }

    static int64_t positions_of(const Segment* box, int64_t images) {
        int64_t positions = images;
        for (int a = 0; a < 3; ++a) positions *= box[a].end - box[a].start;
        return positions;
    }

    void multiply_box(const Shape& shape, const Segment* box, int64_t images,
                      const Columns& columns, int64_t group, const T* x, const View& from, T* y,
                      const View& to) const {
        thread_local Buffer<Piece> pieces;
        thread_local Buffer<int64_t> places;
        Run run[most_columns * lanes];
        const int64_t runs = runs_of(columns, box, to, run);
        if (runs == 0) return;
        const int64_t positions = positions_of(box, images);
        int64_t* const reads = places.grow(2 * positions);
        int64_t* const writes = reads + positions;
        place(shape, box, images, images >= most_positions(most_columns), from, to, reads,
              writes);
        Gathered<T> product;
        product.pieces = piece_count(columns, box);
        product.piece = pieces.grow(product.pieces);
        pieces_of(columns, box, from, pieces.data());
        product.x = x;
        product.weights = packed_.data() + group * group_weights_ + columns.weights;
        product.start = start_.data() + group * group_starts_ + columns.start;
        product.relu = layer_.activation == Activation::relu;
        if (columns.dots)
            run_dots(product, columns, positions, reads, writes, run, runs, y);
        else
            run_blocks(product, columns, positions, reads, writes, run, runs, y);
    }

    void run_blocks(Gathered<T> product, const Columns& columns, int64_t positions,
                    const int64_t* reads, const int64_t* writes, const Run* run, int64_t runs,
                    T* y) const {
        const int64_t width = columns.width(), most = most_positions(columns.vectors);
        T waiting[sums_at_once * lanes];
        int64_t rows[most_positions(1)], column[most_columns];
        for (int64_t m = 0; m < most; ++m) rows[m] = m * width;
        const bool direct = vectors_of(run, runs, columns, column);
        if (!direct)
            for (int64_t n = 0; n < columns.vectors; ++n) column[n] = n * lanes;
        product.column = column;
        product.y = direct ? y : waiting;
        Beside<T>& beside = product.beside;
        const int64_t all = columns.taps() * tap_weights(columns) * int64_t(sizeof(T));
        const int64_t blocks = ceil_div(positions, most);
        // beside the products of one tap: others read about the same inputs
        if (blocks >= fetching_blocks)
            beside.pieces = min(product.pieces, ceil_div(in_, longest_of(columns)));
        const bool fetches = beside.pieces && all <= fetched_weights &&
                             group_weights_ * int64_t(sizeof(T)) > strip_weights;
        if (fetches) beside.lines = ceil_div(all, line_bytes * blocks * product.chunks());
        each_block(0, positions, columns.vectors, [&](int64_t first, int64_t height) {
            product.from = reads + first;
            product.to = direct ? writes + first : rows;
            beside.ahead = ahead_of(reads, first, height, positions);
            if (fetches)
                beside.weights =
                    product.weights + (positions + first) * (all / int64_t(sizeof(T))) / positions;
            gather_of<T, most_columns>(height, columns.vectors)(product);
            if (layer_.activation > Activation::relu)
                for (int64_t m = 0; m < height; ++m)
                    for (int64_t n = 0; n < columns.vectors; ++n)
                        activate(product.y + (product.to[m] + column[n]), lanes);
            if (!direct) write_rows(waiting, width, height, writes + first, run, runs, y);
        });
    }

    void run_dots(Gathered<T> product, const Columns& columns, int64_t positions,
                  const int64_t* reads, const int64_t* writes, const Run* run, int64_t runs,
                  T* y) const {
        const int64_t width = columns.width(), most = dot_positions(width);
        const Gather<T> kernel = dot_of<T>(width);
        T waiting[sums_at_once + lanes];
        product.y = waiting;
        int64_t places[dot_positions(1)];
        for (int64_t first = 0; first < positions; first += most) {
            const int64_t height = min(most, positions - first);
            for (int64_t m = 0; m < most; ++m) places[m] = reads[first + min(m, height - 1)];
            product.from = height == most ? reads + first : places;
            kernel(product);
            if (layer_.activation > Activation::relu) activate(waiting, height * width);
            write_rows(waiting, width, height, writes + first, run, runs, y);
        }
    }

    static void write_rows(const T* waiting, int64_t width, int64_t height, const int64_t* writes,
                           const Run* run, int64_t runs, T* y) {
        for (int64_t m = 0; m < height; ++m)
            for (int64_t r = 0; r < runs; ++r) {
                const T* row = waiting + m * width + run[r].column;
                T* const at = y + (writes[m] + run[r].to);
                copy(at, row, run[r].count);
            }
    }

    void activate(T* to, int64_t count) const {
        for (int64_t i = 0; i < count; ++i) to[i] = activated(layer_, to[i]);
    }

    // Whether every vector of the columns lies whole in the output, and then where.
    static bool vectors_of(const Run* run, int64_t runs, const Columns& columns, int64_t* column) {
        int64_t vectors = 0;
        for (int64_t r = 0; r < runs; ++r) {
            if (run[r].column % lanes || run[r].count % lanes) return false;
            for (int64_t c = 0; c < run[r].count; c += lanes) column[vectors++] = run[r].to + c;
        }
        return vectors == columns.vectors;
    }

    // Where columns go that the box has within the output.
    static int64_t runs_of(const Columns& columns, const Segment* box, const View& to, Run* run) {
        int64_t runs = 0;
        for (int64_t column = 0; column < columns.count;) {
            const int64_t at = columns.first + column, channel = at % columns.channels;
            const int64_t count = min(columns.channels - channel, columns.count - column);
            int64_t phase[3], place = channel;
            phases_of(columns, at / columns.channels, phase);
            bool inside = true;
            for (int a = 0; a < 3; ++a) {
                inside = inside && phase[a] >= box[a].first_phase && phase[a] < box[a].end_phase;
                place += columns.axes[a]->phases[phase[a]] * to.axis[a];
            }
            if (inside && runs && run[runs - 1].column + run[runs - 1].count == column &&
                run[runs - 1].to + run[runs - 1].count == place)
                run[runs - 1].count += count;
            else if (inside)
                run[runs++] = {column, place, count};
            column += count;
        }
        return runs;
    }

    // Where a box's positions are read and written, with images next to each other or apart.
    void place(const Shape& shape, const Segment* box, int64_t images, bool together,
               const View& from, const View& to, int64_t* reads, int64_t* writes) const {
        int64_t step[3], origin = to.origin;
        for (int a = 0; a < 3; ++a) {
            step[a] = layer_.axes[a].stride * to.axis[a];
            origin -= shape.crop[a] * to.axis[a];
        }
        for (int64_t n = 0; n < (together ? 1 : images); ++n)
            for (int64_t z = box[0].start; z < box[0].end; ++z)
                for (int64_t row = box[1].start; row < box[1].end; ++row) {
                    int64_t read = from.origin + n * from.image + z * from.axis[0] +
                                   row * from.axis[1] + box[2].start * from.axis[2];
                    int64_t write = origin + n * to.image + z * step[0] + row * step[1] +
                                    box[2].start * step[2];
                    for (int64_t q = box[2].start; q < box[2].end; ++q) {
                        if (together) {
                            for (int64_t i = 0; i < images; ++i) {
                                *reads++ = read + i * from.image;
                                *writes++ = write + i * to.image;
                            }
                        } else {
                            *reads++ = read;
                            *writes++ = write;
                        }
                        read += from.axis[2];
                        write += step[2];
                    }
                }
    }

    // The products of a sum in their order. Where they are cut is a matter of the weights alone.
    void pieces_of(const Columns& columns, const Segment* box, const View& from,
                   Piece* piece) const {
        const int64_t longest = longest_of(columns), at_once = max(longest / in_, 1);
        const int64_t width = columns.width(), tap_size = tap_weights(columns);
        int64_t count = 0, sum = -1;
        for (int64_t z = box[0].first_tap; z < box[0].end_tap; ++z)
            for (int64_t y = box[1].first_tap; y < box[1].end_tap; ++y)
                for (int64_t x = box[2].first_tap; x < box[2].end_tap; ++x) {
                    const int64_t tap = (z * size(columns.axes[1]->offsets) + y) *
                                            size(columns.axes[2]->offsets) + x;
                    const int64_t offset = -columns.axes[0]->offsets[z] * from.axis[0] -
                                           columns.axes[1]->offsets[y] * from.axis[1] -
                                           columns.axes[2]->offsets[x] * from.axis[2];
                    if (count && tap / at_once != sum) piece[count - 1].cut = true;
                    sum = tap / at_once;
                    for (int64_t c = 0; c < in_; c += longest)
                        piece[count++] = {offset + c, tap * tap_size + c * width,
                                          min(longest, in_ - c), c + longest < in_};
                }
    }

    static int64_t longest_of(const Columns& columns) {
        return columns.dots ? kc * lanes : kc;
    }

    int64_t piece_count(const Columns& columns, const Segment* box) const {
        int64_t pieces = ceil_div(in_, longest_of(columns));
        for (int a = 0; a < 3; ++a) pieces *= box[a].end_tap - box[a].first_tap;
        return pieces;
    }

    Layer layer_;
    int64_t groups_, in_, out_;  // channels of a group
    bool last_, strips_;
    AxisGroups axes_[3];
    int64_t group_weights_ = 0, group_starts_ = 0;
    std::vector<Band> bands_;
    std::vector<Columns> columns_;
    Buffer<T> packed_, start_, bias_;
};

}  // namespace tconv::TCONV_TARGET::along_channels

namespace tconv::TCONV_TARGET {
using along_channels::Channels;
}
