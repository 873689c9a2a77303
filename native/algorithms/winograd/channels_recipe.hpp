// Winograd's algorithm with lanes along channels: the recipe. The positions of a call are the interior
// region, in whole tiles, and border regions: positions at an end of an axis all of whose taps but one
// lie beyond the input. Each region is cut into blocks of tiles.
#pragma once

#include <cmath>

#include "algorithms/winograd/channels_columns.hpp"
#include "heuristics/cache.hpp"
#include "heuristics/costs.hpp"
#include "problem/range.hpp"
#include "registry.hpp"

namespace tconv::TCONV_TARGET::winograd::channel_lanes {

constexpr int64_t most_regions = 27;

struct TileRegion {
    Border border[3];
    int64_t first[3], tiles[3], m[3];  // the first position, tiles, and positions of each
    int64_t block[3], blocks[3];       // tiles of a block, blocks
    int64_t block_images, image_blocks;
    bool joins;  // the first block of the interior, as weights are read for both then
    int64_t tiles_per_image() const { return tiles[0] * tiles[1] * tiles[2]; }
    int64_t count() const { return image_blocks * blocks[0] * blocks[1] * blocks[2]; }
    int64_t size() const { return block_images * block[0] * block[1] * block[2]; }
    bool interior() const {
        return border[0] == Border::none && border[1] == Border::none && border[2] == Border::none;
    }
};

// How one call is cut.
struct TilePlan {
    int64_t images, regions = 0;
    TileRegion region[most_regions];
    bool whole;  // whether every output is computed from some input
    bool nontemporal;
    int64_t count() const {
        int64_t all = 0;
        for (int64_t r = 0; r < regions; ++r) all += region[r].joins ? 0 : region[r].count();
        return all;
    }
};

template <class T>
struct WinogradChannelsRecipe final : Recipe<T> {
    static constexpr int64_t lanes = Lanes<T>::count;

    explicit WinogradChannelsRecipe(const Layer& given)
        : columns(given), phases(columns.phases), layer(phases.layer), epilogue(given) {}

    static const char* unsupported_reason(const Layer& layer) {
        bool some = false;
        for (const Axis& axis : layer.axes) {
            const AxisTiling<T> tiling = AxisTiling<T>::of(axis_groups_of(axis), true);
            if (tiling.groups.empty()) return "a phase has distant taps";
            some = some || tiling.m > 1;
        }
        return some ? nullptr : "no phase has two neighbouring taps";
    }

    Cost estimate(const Shape& shape, int threads) const override {
        const TilePlan plan = tile_plan(shape, threads);
        const auto number = [](int64_t v) { return static_cast<double>(v); };
        const double inputs = input_cost * number(columns.depth / lanes);
        const double weights = number(layer.groups * columns.group_weights);
        Cost c;
        double blocks = 0;
        for (int64_t r = 0; r < plan.regions; ++r) {
            const TileRegion& region = plan.region[r];
            const double tiles = number(plan.images * region.tiles_per_image() * layer.groups);
            for (int64_t g = 0; g < count_of(columns.groups); ++g) {
                const TileTransform<T> t = columns.at_border(g, region.border);
                int64_t count = region.interior() ? t.phase_group->phases : 0;
                for (int64_t p = 0; p < t.phase_group->phases && !region.interior(); ++p)
                    count += has_outputs(shape, region, *t.phase_group, p);
                const double vectors = number(ceil_div(count * phases.out, lanes));
                const double points = number(t.points);
                c.products += tiles * points * vectors * number(t.depth);
                c.others += tiles * points * (inputs * number(t.splits) + output_cost * vectors);
            }
            c.others += tile_cost * tiles;
            if (region.interior()) blocks += number(region.count());
        }
        // weights are read while products are computed
        const bool cached = columns.weight_bytes() < uncached_weights;
        const double reading =
            (cached ? weight_read_cost : uncached_weight_read_cost) * blocks * weights / lanes;
        c.others += std::hypot(c.products, reading) - c.products;
        const double moved = bytes_moved<T>(layer, shape) / sizeof(T);
        if (layer.layout == Layout::channels_first) c.others += transpose_cost * moved / lanes;
        c.packing = packing_cost * weights;
        c.tasks = plan.count() * layer.groups * count_of(columns.channel_blocks);
        c.bytes = moved * sizeof(T);
        return c;
    }

    std::unique_ptr<Packed<T>> pack(const T* weight, const T* bias) const override;

    TilePlan tile_plan(const Shape& shape, int threads) const {
        const Range range = range_of(layer, phases.axes, shape);
        TilePlan plan;
        plan.whole = range.whole;
        plan.nontemporal = epilogue.in_registers() &&
                           bytes_moved<T>(layer, shape, false) >= nontemporal_bytes;
        plan.images = shape.batch;
        TileRegion region;
        add_regions(shape, range, threads, 0, region, plan);
        return plan;
    }

    // Parts of the channel blocks that threads take apart.
    int64_t splits_of(int64_t blocks, int64_t threads) const {
        const int64_t wanted = ceil_div(tasks_per_thread * threads, max(blocks, 1));
        return threads > 1 ? min(count_of(columns.channel_blocks), wanted) : 1;
    }

    // Whether outputs of a phase, at the border of a region, are among those asked for.
    bool has_outputs(const Shape& shape, const TileRegion& region, const PhaseGroup& group,
                     int64_t phase) const {
        for (int a = 2; a >= 0; --a) {
            const std::vector<int64_t>& all = group.axes[a]->phases;
            const int64_t here = all[static_cast<size_t>(phase % count_of(all))];
            phase /= count_of(all);
            if (region.border[a] != Border::none && !has_output(shape, a, region.first[a], here))
                return false;
        }
        return true;
    }

    const Columns<T> columns;
    const PhaseGroups& phases;
    const Layer& layer;
    const Epilogue<T> epilogue;

  private:
    // Of a phase of an axis.
    bool has_output(const Shape& shape, int axis, int64_t position, int64_t phase) const {
        const int64_t o = position * layer.axes[axis].stride + phase - shape.crop[axis];
        return o >= 0 && o < shape.output[axis];
    }

    // Regions of the axes from `axis` on.
    void add_regions(const Shape& shape, const Range& range, int threads, int axis,
                     TileRegion& region, TilePlan& plan) const {
        if (axis == 3) {
            choose_block(plan.images, threads, region);
            region.joins = plan.regions > 0 && region.count() == 1 && region.size() <= few_tiles &&
                           columns.weight_bytes() >= level_2_weights;
            if (region.tiles_per_image() * plan.images > 0) plan.region[plan.regions++] = region;
            return;
        }
        const int64_t m = columns.axes[axis].m;
        const int64_t first = range.first[axis], count = range.count[axis];
        const auto add = [&](Border border, int64_t start, int64_t positions, int64_t each) {
            region.border[axis] = border;
            region.first[axis] = start;
            region.tiles[axis] = ceil_div(positions, each);
            region.m[axis] = each;
            add_regions(shape, range, threads, axis + 1, region, plan);
        };
        // border regions where whole tiles are left
        const bool low = m > 1 && count > 1 && is_border(shape, axis, first, Border::first);
        const bool high =
            m > 1 && count > 1 && is_border(shape, axis, first + count - 1, Border::last);
        const bool one = (count - 1) % m == 0;
        const bool both = !one && low && high && (count - 2) % m == 0;
        const bool starts = both || (one && low), closes = both || (one && !low && high);
        add(Border::none, first + starts, count - starts - closes, m);
        if (starts) add(Border::first, first, 1, 1);
        if (closes) add(Border::last, first + count - 1, 1, 1);
    }

    // Whether, at the position of an end, all phases have one tap within the input at most.
    bool is_border(const Shape& shape, int axis, int64_t position, Border border) const {
        const AxisGroups& all = phases.axes[axis];
        for (int64_t g = 0; g < count_of(all.groups); ++g) {
            bool some = false;
            for (const int64_t phase : all.groups[static_cast<size_t>(g)].phases)
                some = some || has_output(shape, axis, position, phase);
            const AxisTransform<T>& t = columns.axes[axis].groups[static_cast<size_t>(g)];
            if (!some || (t.fmr->r == 1 && t.splits == 1)) continue;
            const int64_t cell = position - all.high + t.first_cell;
            const bool alone = border == Border::first ? cell + t.fmr->r - 2 < 0
                                                       : cell + 1 >= shape.input[axis];
            if (t.splits > 1 || !alone || (border == Border::last && !t.fmr->has_zero))
                return false;
        }
        return true;
    }

    // Takes the size of a block with the least work for the slowest thread.
    void choose_block(int64_t images, int threads, TileRegion& region) const {
        const int64_t bytes = columns.weight_bytes();
        // what a block costs beside its tiles, in tiles: all weights are read
        const double beside = bytes < level_2_weights ? 1 : bytes < uncached_weights ? 3 : 6;
        int64_t most = region.interior() && bytes < uncached_weights
                           ? columns.block_tiles(columns.most_input)
                           : most_block_tiles;
        if (layer.layout == Layout::channels_first) {
            int64_t outputs = columns.most_channels;
            for (int a = 0; a < 3; ++a) outputs *= region.m[a] * layer.axes[a].stride;
            most = max(1, min(most, output_bytes / (outputs * int64_t(sizeof(T)))));
        }
        double least = -1;
        TileRegion best = region;
        for (int64_t part = tried_sizes; part > 0; --part) {
            cut(images, ceil_div(most * part, tried_sizes), region);
            const int64_t blocks = region.count() * layer.groups;
            const int64_t splits = splits_of(blocks, threads);
            const double rounds = static_cast<double>(ceil_div(blocks * splits, threads));
            const double work = rounds / static_cast<double>(splits) *
                                (static_cast<double>(region.size()) + beside);
            if (least >= 0 && work >= least) continue;
            least = work;
            best = region;
        }
        region = best;
    }

    static void cut(int64_t images, int64_t size, TileRegion& region) {
        int64_t room = size;
        for (int a = 2; a >= 0; --a) {
            region.blocks[a] = max(1, ceil_div(region.tiles[a], room));
            region.block[a] = max(1, ceil_div(region.tiles[a], region.blocks[a]));
            region.blocks[a] = ceil_div(region.tiles[a], region.block[a]);
            room = region.blocks[a] > 1 ? 1 : max(1, room / region.block[a]);
        }
        region.block_images = min(max(images, 1), room);
        region.image_blocks = ceil_div(images, region.block_images);
    }
};

}  // namespace tconv::TCONV_TARGET::winograd::channel_lanes
