// The positions of a call, cut into tiles whose inputs and outputs fit the caches.
#pragma once

#include "algorithms/channels/layout.hpp"
#include "heuristics/cache.hpp"
#include "problem/regions.hpp"

namespace tconv::TCONV_TARGET::channels {

struct PositionRange {
    int64_t start, end;
    int64_t count() const { return max(end - start, 0); }
};

// Positions of an axis from which phases low, ..., high have an output, and some input reaches it.
inline PositionRange positions_of(const Layer& layer, const AxisGroup& group, int64_t low, int64_t high,
                                  const Shape& shape, int a) {
    const int64_t stride = layer.axes[a].stride, crop = shape.crop[a];
    return {max(ceil_div(crop - high, stride), group.offsets.front()),
            min(floor_div(crop + shape.output[a] - 1 - low, stride),
                shape.input[a] - 1 + group.offsets.back()) + 1};
}

inline PositionRange positions_of(const Layer& layer, const NBlock& block, const Shape& shape, int a) {
    const AxisGroup& group = *block.axes[a];
    const bool one = block.phase[a] >= 0;
    const int64_t low = one ? group.phases[block.phase[a]] : group.phases.front();
    const int64_t high = one ? low : group.phases.back();
    return positions_of(layer, group, low, high, shape, a);
}

struct TilePlan {
    int64_t first[3], positions[3], tile[3], tiles[3], images, image_tiles;
    bool whole;  // whether every output is computed from some input
    int64_t count() const { return image_tiles * tiles[0] * tiles[1] * tiles[2]; }
};

// Positions of a tile at most.
template <class T>
int64_t tile_positions(const ColumnLayout<T>& layout, int64_t all, int threads) {
    int64_t most = min(max_tile_positions, input_bytes / (layout.in * int64_t(sizeof(T))));
    if (!layout.channels_last) {
        int64_t wide = 0, phases = 1;
        for (const ChannelBlock& block : layout.channel_blocks) wide = max(wide, block.channels);
        for (const Axis& axis : layout.layer.axes) phases *= axis.stride;
        most = min(most, transposed_bytes / (phases * wide * int64_t(sizeof(T))));
    }
    const int64_t fair = all * layout.layer.groups / (tasks_per_thread * threads);
    const int64_t least = layout.staged ? 2 * staging_positions : 8 * indirect::mr_of(1);
    if (threads > 1) most = min(most, max(fair, least));
    return max(most, 1);
}

template <class T>
TilePlan plan_tiles(const ColumnLayout<T>& layout, const Shape& shape, int threads) {
    TilePlan t;
    t.whole = true;
    for (int a = 0; a < 3; ++a) {
        int64_t low = INT64_MAX, high = INT64_MIN, computed = 0;
        for (const AxisGroup& group : layout.axes[a].groups)
            for (const int64_t phase : group.phases) {
                const PositionRange some = positions_of(layout.layer, group, phase, phase, shape, a);
                if (some.count() == 0) continue;
                computed += some.count();
                low = min(low, some.start);
                high = max(high, some.end);
            }
        t.whole = t.whole && computed == shape.output[a];
        t.first[a] = computed ? low : 0;
        t.positions[a] = computed ? high - low : 0;
    }
    const int64_t all = shape.batch * t.positions[0] * t.positions[1] * t.positions[2];
    int64_t room = tile_positions(layout, all, threads);
    for (int a = 2; a >= 0; --a) {
        t.tiles[a] = max(1, ceil_div(t.positions[a], room));
        t.tile[a] = ceil_div(t.positions[a], t.tiles[a]);
        t.tiles[a] = t.tile[a] ? ceil_div(t.positions[a], t.tile[a]) : 0;
        room = t.tiles[a] > 1 ? 1 : max(1, room / max(1, t.tile[a]));
    }
    constexpr int64_t mr = indirect::mr_of(1);
    t.images = room > mr ? room / mr * mr : room;
    t.images = min(max(shape.batch, 1), t.images);
    t.image_tiles = ceil_div(shape.batch, t.images);
    return t;
}

// A tile: its positions, and the regions of input and output that belong to them.
struct Tile {
    Region positions, in, out;
    int64_t image, images;

    template <class T>
    Tile(const ColumnLayout<T>& layout, const TilePlan& plan, const Shape& shape, int64_t number) {
        for (int a = 2; a >= 0; --a) {
            const int64_t at = number % plan.tiles[a] * plan.tile[a], s = layout.layer.axes[a].stride;
            number /= plan.tiles[a];
            positions.start[a] = plan.first[a] + at;
            positions.count[a] = min(plan.tile[a], plan.positions[a] - at);
            const int64_t start = positions.start[a], end = start + positions.count[a];
            in.start[a] = max(start - layout.axes[a].high, 0);
            in.count[a] = max(min(end - layout.axes[a].low, shape.input[a]) - in.start[a], 0);
            out.start[a] = max(start * s - shape.crop[a], 0);
            out.count[a] = max(min(end * s - shape.crop[a], shape.output[a]) - out.start[a], 0);
        }
        image = number * plan.images;
        images = min(plan.images, shape.batch - image);
    }
};

}  // namespace tconv::TCONV_TARGET::channels
