// How the positions of a call are cut into tiles, and how a tile lies where its products read it.
// Most layers copy the rows of a tile side by side into packed B, with zeros around the input. Layers
// of few products a cell read the input where it lies instead, but for positions near its borders.
#pragma once

#include <vector>

#include "algorithms/positions/panels.hpp"
#include "heuristics/cache.hpp"
#include "heuristics/costs.hpp"
#include "problem/range.hpp"

namespace tconv::TCONV_TARGET {

// How one call's positions are cut, and how a tile of them lies in packed B.
struct TilePlan {
    int64_t first[3], count[3];    // positions q of each axis
    int64_t input[3];              // cells of the input, as the positions are laid out
    int64_t tile[3], tiles[3];     // positions in a tile, tiles
    int64_t images, image_tiles;   // images in a tile, tiles
    int64_t pitch[3];              // cells of packed B: planes, rows, cells of a row
    int64_t plane;                 // cells of one channel
    int64_t width;                 // positions of a whole tile, the gaps between rows included
    int64_t row;                   // distance between rows of the products
    int64_t low, high;             // positions along the last axis whose every phase lies inside
    int64_t together, splits, tasks;  // tiles, or parts of one, that make a task
    bool direct;    // the input is read where it lies, as no tap of a position is outside of it
    bool flat;      // positions of an image are one line, as no tap is beside another
    bool nontemporal;   // stores
    bool whole;     // every output is at one of the positions, in a phase
    bool inside;    // every phase of every position is in the output
};

template <class T>
class Tiling {
    static constexpr int64_t lanes = Lanes<T>::count;
    static constexpr int64_t step = max_vectors * lanes;

  public:
    explicit Tiling(const PanelLayout<T>& layout) : layout_(layout), phases_(layout.phases) {}

    // The positions of a call, cut in one way or in regions: those that read nothing but the input,
    // where it lies, and those near its borders.
    std::vector<TilePlan> plans(const Shape& shape, int threads) const {
        TilePlan t;
        t.nontemporal = bytes_moved<T>(phases_.layer, shape, false) >= nontemporal_bytes;
        const Range range = range_of(phases_.layer, phases_.axes, shape);
        t.whole = range.whole;
        t.inside = range.inside;
        t.flat = true;
        t.direct = false;
        for (int a = 0; a < 3; ++a) {
            t.first[a] = range.first[a];
            t.count[a] = range.count[a];
            t.input[a] = shape.input[a];
            t.flat = t.flat && phases_.axes[a].high == 0 && t.first[a] == 0 && t.count[a] == shape.input[a];
        }
        if (t.flat) {
            t.count[2] = t.input[2] = shape.input[0] * shape.input[1] * shape.input[2];
            for (int a = 0; a < 2; ++a) t.count[a] = t.input[a] = 1;
        }
        std::vector<TilePlan> one;
        add_plan(shape, t, threads, one);
        TilePlan inner = t;
        if (t.flat || phases_.out * layout_.all_taps > most_direct || !shrink(inner)) return one;
        std::vector<TilePlan> regions;
        inner.direct = true;
        add_plan(shape, inner, threads, regions);
        for (int a = 0; a < 3; ++a) {
            const int64_t first = inner.first[a], end = first + inner.count[a];
            TilePlan before = t, after = t;
            before.count[a] = first - t.first[a];
            after.first[a] = end;
            after.count[a] = t.first[a] + t.count[a] - end;
            if (before.count[a] > 0) add_plan(shape, before, threads, regions);
            if (after.count[a] > 0) add_plan(shape, after, threads, regions);
            t.first[a] = first;
            t.count[a] = inner.count[a];
        }
        double work = 0;
        for (const TilePlan& region : regions) work += work_of(region);
        return work < work_of(one[0]) ? regions : one;
    }

    static int64_t tiles_of(const TilePlan& t) {
        return t.image_tiles * t.tiles[0] * t.tiles[1] * t.tiles[2];
    }

    static int64_t position(const TilePlan& t, int64_t image, int64_t z, int64_t y, int64_t x) {
        return ((image * t.pitch[0] + z) * t.pitch[1] + y) * t.pitch[2] + x;
    }

  private:
    // Leaves the positions whose taps all lie in the input, and the vectors that they are read by.
    bool shrink(TilePlan& t) const {
        int64_t last = 0, cells = 1;  // the last cell read
        for (int a = 0; a < 3; ++a) {
            const int64_t end = min(t.first[a] + t.count[a], t.input[a] + phases_.axes[a].low);
            t.first[a] = max(t.first[a], phases_.axes[a].high);
            t.count[a] = end - t.first[a];
            if (t.count[a] <= 0) return false;
            last = last * t.input[a] + end - 1 - phases_.axes[a].low;
            cells *= t.input[a];
        }
        if (cells > INT32_MAX) return false;  // as distances of taps are that short
        if (last + lanes > cells) {
            const int a = t.count[1] > lanes ? 1 : 2;
            t.count[a] -= a == 1 ? ceil_div(lanes, t.input[2]) : lanes;
            if (t.count[a] <= 0) return false;
        }
        return true;
    }

    // Adds a cut of the positions of t.
    void add_plan(const Shape& shape, TilePlan t, int threads, std::vector<TilePlan>& to) const {
        const Axis& last = phases_.layer.axes[2];
        t.low = max(ceil_div(shape.crop[2], last.stride), t.first[2]);
        t.high = min(floor_div(shape.output[2] + shape.crop[2], last.stride),
                     t.first[2] + t.count[2]);
        t.high = max(t.high, t.low);
        int64_t reach[3];
        for (int a = 0; a < 3; ++a) reach[a] = phases_.axes[a].high - phases_.axes[a].low;
        const int64_t positions = shape.batch * t.count[0] * t.count[1] * t.count[2];
        const int64_t wanted = tasks_per_thread * threads, fair = positions * phases_.layer.groups / wanted;
        int64_t widest = min(t.flat ? widest_tile : widest_block,
                             waiting_bytes / (layout_.most_rows * int64_t(sizeof(T))));
        if (t.direct) {
            const int64_t most_rows = threads > 1 ? fair / t.input[2] : t.count[1];
            lay_direct(shape.batch, reach, widest, most_rows, t);
        } else {
            widest = min(widest, copied_bytes / (phases_.in * int64_t(sizeof(T))));
            widest = max(widest, step);
            if (threads > 1) widest = min(widest, max(ceil_div(fair, step), 4) * step);
            lay_out(shape.batch, reach, widest, 1, t);
            for (int64_t columns = 2; columns <= min(most_columns, t.count[2] / step); ++columns) {
                TilePlan other = t;
                lay_out(shape.batch, reach, widest, columns, other);
                if (work_of(other) < work_of(t)) t = other;
            }
        }
        const int64_t all = tiles_of(t) * phases_.layer.groups;
        t.splits = threads > 1 && all ? min(count_of(layout_.blocks), ceil_div(wanted, all)) : 1;
        t.together = threads == 1 ? all : max(1, all / wanted);
        t.tasks = all ? ceil_div(all, t.together) * t.splits : 0;
        to.push_back(t);
    }

    // Tiles of whole rows, or of parts of one row, of an image as it lies.
    void lay_direct(int64_t batch, const int64_t* reach, int64_t widest, int64_t tallest,
                    TilePlan& t) const {
        const int64_t cells = direct_bytes / (phases_.in * (reach[0] + 1) * int64_t(sizeof(T)));
        const int64_t row = max(cells / (reach[1] + 2), step);
        t.tiles[2] = ceil_div(t.count[2], min(row, widest));
        if (t.tiles[2] > 1) {
            t.tile[2] = ceil_div(ceil_div(t.count[2], t.tiles[2]), lanes) * lanes;
            t.tiles[2] = ceil_div(t.count[2], t.tile[2]);
            t.tile[1] = 1;
        } else {
            t.tile[2] = t.count[2];
            const int64_t held = (cells / t.input[2] - reach[1]) / 2;
            const int64_t rows = max(min(min(held, widest / t.input[2]), tallest), 1);
            t.tile[1] = ceil_div(t.count[1], ceil_div(t.count[1], rows));
        }
        t.tiles[1] = ceil_div(t.count[1], t.tile[1]);
        t.tile[0] = t.images = 1;
        t.tiles[0] = t.count[0];
        t.image_tiles = batch;
        for (int a = 0; a < 3; ++a) t.pitch[a] = t.input[a];
        t.plane = t.input[0] * t.input[1] * t.input[2];
        t.width = (t.tile[1] - 1) * t.pitch[2] + t.tile[2];
        t.row = (ceil_div(t.width, 16) | 1) * 16;
    }

    // Tiles of at most `widest` cells where that is possible, and at least so many along a row.
    void lay_out(int64_t batch, const int64_t* reach, int64_t widest, int64_t columns,
                 TilePlan& t) const {
        const int64_t unit = t.count[0] * t.count[1] > 1 ? lanes : step;  // of a row
        int64_t room = widest;
        for (int a = 2; a >= 0; --a) {
            int64_t fits = max(1, room - reach[a]);
            if (a == 2) {
                fits = min(fits, max(ceil_div(t.count[a], columns), step));
                if (fits < t.count[a] && fits > step) fits = fits / unit * unit;
            }
            t.tiles[a] = max(1, ceil_div(t.count[a], fits));
            t.tile[a] = ceil_div(t.count[a], t.tiles[a]);
            if (a == 2 && t.tiles[a] > 1 && fits % unit == 0)
                t.tile[a] = ceil_div(t.tile[a], unit) * unit;
            t.tiles[a] = t.tile[a] ? ceil_div(t.count[a], t.tile[a]) : 0;
            t.pitch[a] = t.tile[a] + reach[a];
            room = a < 2 && t.tiles[a] > 1 ? 1 : max(1, room / max(1, t.pitch[a]));
        }
        t.images = min(max(batch, 1), room);
        t.image_tiles = ceil_div(batch, t.images);
        const int64_t cells = t.images * t.pitch[0] * t.pitch[1] * t.pitch[2];
        t.width = max(position(t, t.images - 1, t.tile[0] - 1, t.tile[1] - 1, t.tile[2] - 1) + 1, 0);
        t.plane = (ceil_div(cells, 16) | 1) * 16;
        t.row = (ceil_div(t.width, 16) | 1) * 16;
    }

    // Of packing B and of the products, in multiply-adds.
    double work_of(const TilePlan& t) const {
        const double rows = static_cast<double>(t.images * t.pitch[0] * t.pitch[1]);
        const double lines = rows * static_cast<double>(t.pitch[2]) / static_cast<double>(lanes);
        const double tiles = static_cast<double>(tiles_of(t));
        const double filling = t.direct ? 0 : rows * row_cost + lines * line_cost;
        const double products = static_cast<double>(ceil_div(t.width, lanes) * phases_.out * layout_.all_taps);
        return tiles * static_cast<double>(phases_.in) * (filling + products);
    }

    const PanelLayout<T>& layout_;
    const PhaseGroups& phases_;
};

}  // namespace tconv::TCONV_TARGET
