// The positions of one call in zones: most in whole tiles, those at an end of an axis whose taps but
// one lie beyond the input by themselves; and each zone in blocks of tiles.
#pragma once

#include "algorithms/winograd/families.hpp"

namespace tconv::TCONV_TARGET {

constexpr int64_t result_bytes = 1280 << 10;   // outputs of a block that wait to be turned
constexpr int64_t most_zones = 27;
constexpr int64_t few_tiles = 16;              // which are not worth reading weights for
constexpr int64_t tried_sizes = 12;            // of a block
constexpr int64_t near_weights = 1 << 20;      // bytes that stay in the second-level cache

template <class T>
class Zones : protected Families<T> {
    typedef Families<T> Base;

  protected:
    using typename Base::Family, typename Base::Place;
    using Base::axes_, Base::layer_, Base::widest_, Base::winograd_, Base::bands_, Base::largest_,
        Base::families_, Base::group_weights_;
    using Base::Base;

    struct Zone {
        Place place[3];
        int64_t first[3], tiles[3], m[3];  // the first position, tiles, and positions of each
        int64_t block[3], blocks[3];       // tiles of a block, blocks
        int64_t block_images, image_blocks;
        bool joins;  // the first block of the first zone, as weights are read for both then
        int64_t tiles_an_image() const { return tiles[0] * tiles[1] * tiles[2]; }
        int64_t count() const { return image_blocks * blocks[0] * blocks[1] * blocks[2]; }
        int64_t size() const { return block_images * block[0] * block[1] * block[2]; }
        bool inner() const {
            return place[0] == Place::inner && place[1] == Place::inner && place[2] == Place::inner;
        }
    };

    // How one call is cut.
    struct Cut {
        int64_t images, zones = 0;
        Zone zone[most_zones];
        bool whole, nontemporal;
        int64_t count() const {
            int64_t all = 0;
            for (int64_t z = 0; z < zones; ++z) all += zone[z].joins ? 0 : zone[z].count();
            return all;
        }
    };

    void cut(const Shape& shape, int threads, Cut& t) const {
        const Range range = range_of(layer_, axes_, shape);
        t.whole = range.whole;
        t.nontemporal = layer_.activation <= Activation::relu &&
                    bytes_moved<T>(layer_, shape, false) >= nontemporal_bytes;
        t.images = shape.batch;
        Zone zone;
        add_zones(shape, range, threads, 0, zone, t);
    }

    // Parts of the bands that threads take apart.
    int64_t splits_of(int64_t blocks, int64_t threads) const {
        const int64_t wanted = ceil_div(tasks_per_thread * threads, max(blocks, 1));
        return threads > 1 ? min(count_of(bands_), wanted) : 1;
    }

    // What a block costs beside its tiles, in tiles: all weights are read.
    double tiles_beside() const {
        const int64_t bytes = group_weights_ * int64_t(sizeof(T));
        return bytes < near_weights ? 1 : bytes < uncached_weights ? 3 : 6;
    }

    // Whether outputs of a phase of an axis, at the position of an end, are among those asked for.
    bool wanted(const Shape& shape, int axis, int64_t position, int64_t phase) const {
        const int64_t o = position * layer_.axes[axis].stride + phase - shape.crop[axis];
        return o >= 0 && o < shape.output[axis];
    }

    // And of one of a family's phases, in a zone.
    bool wanted(const Shape& shape, const Zone& zone, const Family& f, int64_t phase) const {
        for (int a = 2; a >= 0; --a) {
            const std::vector<int64_t>& phases = f.part->axes[a]->phases;
            const int64_t here = phases[static_cast<size_t>(phase % count_of(phases))];
            phase /= count_of(phases);
            if (zone.place[a] != Place::inner && !wanted(shape, a, zone.first[a], here)) return false;
        }
        return true;
    }

  private:
    // Zones of the axes from `axis` on.
    void add_zones(const Shape& shape, const Range& range, int threads, int axis, Zone& zone,
                   Cut& t) const {
        if (axis == 3) {
            cut_zone(t.images, threads, zone);
            zone.joins = t.zones > 0 && zone.count() == 1 && zone.size() <= few_tiles &&
                         group_weights_ * int64_t(sizeof(T)) >= near_weights;
            if (zone.tiles_an_image() * t.images > 0) t.zone[t.zones++] = zone;
            return;
        }
        const int64_t m = winograd_[axis].m, first = range.first[axis], count = range.count[axis];
        const auto add = [&](Place place, int64_t start, int64_t positions, int64_t each) {
            zone.place[axis] = place;
            zone.first[axis] = start;
            zone.tiles[axis] = ceil_div(positions, each);
            zone.m[axis] = each;
            add_zones(shape, range, threads, axis + 1, zone, t);
        };
        // ends by themselves where whole tiles are left
        const bool low = m > 1 && count > 1 && ends(shape, axis, first, Place::first);
        const bool high = m > 1 && count > 1 && ends(shape, axis, first + count - 1, Place::last);
        const bool one = (count - 1) % m == 0;
        const bool both = !one && low && high && (count - 2) % m == 0;
        const bool starts = both || (one && low), closes = both || (one && !low && high);
        add(Place::inner, first + starts, count - starts - closes, m);
        if (starts) add(Place::first, first, 1, 1);
        if (closes) add(Place::last, first + count - 1, 1, 1);
    }

    // Whether, at the position of an end, all phases have one tap within the input at most.
    bool ends(const Shape& shape, int axis, int64_t position, Place place) const {
        const AxisGroups& shares = axes_[axis];
        for (int64_t i = 0; i < count_of(shares.groups); ++i) {
            bool some = false;
            for (const int64_t phase : shares.groups[i].phases)
                some = some || wanted(shape, axis, position, phase);
            const Piece<T>& piece = winograd_[axis].pieces[i];
            if (!some || (piece.form->taps == 1 && piece.repeats == 1)) continue;
            const int64_t cell = position - shares.high + piece.base;
            const bool alone = place == Place::first ? cell + piece.form->taps - 2 < 0
                                                     : cell + 1 >= shape.input[axis];
            if (piece.repeats > 1 || !alone || (place == Place::last && !piece.form->begins_plain))
                return false;
        }
        return true;
    }

    // Takes the size of a block with the least work for the slowest thread.
    void cut_zone(int64_t images, int threads, Zone& zone) const {
        const bool far = group_weights_ * int64_t(sizeof(T)) >= uncached_weights;
        int64_t most = zone.inner() && !far ? this->block_tiles(largest_) : most_block_tiles;
        if (layer_.layout == Layout::channels_first) {
            int64_t outputs = widest_;
            for (int a = 0; a < 3; ++a) outputs *= zone.m[a] * layer_.axes[a].stride;
            most = max(1, min(most, result_bytes / (outputs * int64_t(sizeof(T)))));
        }
        double least = -1;
        Zone best = zone;
        for (int64_t part = tried_sizes; part > 0; --part) {
            cut_blocks(images, ceil_div(most * part, tried_sizes), zone);
            const int64_t blocks = zone.count() * layer_.groups, splits = splits_of(blocks, threads);
            const double rounds = static_cast<double>(ceil_div(blocks * splits, threads));
            const double work = rounds / static_cast<double>(splits) *
                                (static_cast<double>(zone.size()) + tiles_beside());
            if (least >= 0 && work >= least) continue;
            least = work;
            best = zone;
        }
        zone = best;
    }

    static void cut_blocks(int64_t images, int64_t size, Zone& zone) {
        int64_t room = size;
        for (int a = 2; a >= 0; --a) {
            zone.blocks[a] = max(1, ceil_div(zone.tiles[a], room));
            zone.block[a] = max(1, ceil_div(zone.tiles[a], zone.blocks[a]));
            zone.blocks[a] = ceil_div(zone.tiles[a], zone.block[a]);
            room = zone.blocks[a] > 1 ? 1 : max(1, room / zone.block[a]);
        }
        zone.block_images = min(max(images, 1), room);
        zone.image_blocks = ceil_div(images, zone.block_images);
    }
};

}  // namespace tconv::TCONV_TARGET
