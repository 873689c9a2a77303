// Interior and border regions: positions of a tile at which an N-block has the same taps within the
// input and the same phases within the output. No tap that reads beyond the input is multiplied.
#pragma once

#include "algorithms/channels/tile_plan.hpp"

namespace tconv::TCONV_TARGET::channels {

// Positions of one axis.
struct AxisSegment {
    int64_t start, end, first_tap, end_tap, first_phase, end_phase;
    bool like(const AxisSegment& s) const {
        return first_tap == s.first_tap && end_tap == s.end_tap && first_phase == s.first_phase &&
               end_phase == s.end_phase;
    }
};

struct TapRegion {
    AxisSegment axes[3];
    int64_t positions(int64_t images) const {
        for (const AxisSegment& s : axes) images *= s.end - s.start;
        return images;
    }
};

// Positions of a tile at which a block has outputs of its own.
inline PositionRange positions_in(const Layer& layer, const Shape& shape, const Region& tile,
                                  const NBlock& block, int a) {
    const PositionRange all = positions_of(layer, block, shape, a);
    return {max(all.start, tile.start[a]), min(all.end, tile.start[a] + tile.count[a])};
}

// Cuts them into segments; returns how many.
inline int64_t segments_of(const Layer& layer, const Shape& shape, const NBlock& block,
                           const PositionRange& range, int a, AxisSegment* segment) {
    const AxisGroup& group = *block.axes[a];
    const int64_t stride = layer.axes[a].stride, crop = shape.crop[a], in = shape.input[a];
    const int64_t taps = count_of(group.offsets);
    const bool one = block.phase[a] >= 0;
    const int64_t first_phase = one ? block.phase[a] : 0;
    const int64_t end_phase = one ? first_phase + 1 : count_of(group.phases);
    const int64_t lowest = group.phases[first_phase], highest = group.phases[end_phase - 1];
    // between these is the interior
    const int64_t inner = max(group.offsets.back(), ceil_div(crop - lowest, stride));
    const int64_t outer = min(in - 1 + group.offsets.front(),
                              floor_div(crop + shape.output[a] - 1 - highest, stride)) + 1;
    int64_t count = 0;
    for (int64_t at = range.start; at < range.end;) {
        AxisSegment now{at, at + 1, 0, taps, first_phase, end_phase};
        if (at >= inner && at < outer) {
            now.end = min(range.end, outer);
        } else {
            while (now.first_tap < taps && at - group.offsets[now.first_tap] >= in) ++now.first_tap;
            while (now.end_tap > now.first_tap && at < group.offsets[now.end_tap - 1]) --now.end_tap;
            const int64_t o = at * stride - crop;
            while (now.first_phase < end_phase && o + group.phases[now.first_phase] < 0)
                ++now.first_phase;
            while (now.end_phase > now.first_phase &&
                   o + group.phases[now.end_phase - 1] >= shape.output[a])
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

// Calls f for every region of a block.
template <class F>
void each_region(const Layer& layer, const Shape& shape, const Region& tile, const NBlock& block,
                 const F& f) {
    Scratch frame;
    AxisSegment* segment[3];
    int64_t count[3];
    for (int a = 0; a < 3; ++a) {
        const PositionRange range = positions_in(layer, shape, tile, block, a);
        if (range.count() == 0) return;
        segment[a] = frame.take<AxisSegment>(range.count());
        count[a] = segments_of(layer, shape, block, range, a, segment[a]);
    }
    for (int64_t i = 0; i < count[0]; ++i)
        for (int64_t j = 0; j < count[1]; ++j)
            for (int64_t k = 0; k < count[2]; ++k)
                f(TapRegion{{segment[0][i], segment[1][j], segment[2][k]}});
}

}  // namespace tconv::TCONV_TARGET::channels
