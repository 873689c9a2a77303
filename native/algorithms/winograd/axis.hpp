// How an axis is tiled, and by which F(m, r) each of its axis groups is computed.
#pragma once

#include <vector>

#include "algorithms/winograd/transforms.hpp"
#include "problem/phase_groups.hpp"

namespace tconv::TCONV_TARGET::winograd {

// Of one axis group.
template <class T>
struct AxisTransform {
    const Fmr<T>* fmr;
    int64_t first_cell;   // of a tile's cells, that it reads
    int64_t first_point;  // among those of the axis
    int64_t splits = 1;   // of a long filter: into neighbouring F(m, 2), whose products are added up
};

template <class T>
struct AxisTiling {
    int64_t m = 0, points = 0, cells = 0;  // outputs a tile and phase; cells of the input it reads
    std::vector<AxisTransform<T>> groups;
    bool plain() const { return cells == 1; }

    // By F(m, 2) with the m given where no phase has more than two taps, or filters are split. Empty
    // where taps are not neighbours, or more than three and may not be split.
    static AxisTiling of(const AxisGroups& axis, bool may_split = false, int64_t m_of_two = 3) {
        int64_t most = 1;
        for (const AxisGroup& group : axis.groups) {
            const int64_t taps = static_cast<int64_t>(group.offsets.size());
            if (group.offsets.back() - group.offsets.front() != taps - 1) return {};
            if (taps > 3 && !may_split) return {};
            most = taps > most ? taps : most;
        }
        AxisTiling tiling;
        tiling.m = most == 1 ? 1 : most == 3 ? 2 : m_of_two;
        tiling.cells = tiling.m + axis.high - axis.low;
        for (const AxisGroup& group : axis.groups) {
            const int64_t taps = static_cast<int64_t>(group.offsets.size());
            const int64_t splits = most > 3 ? (taps + 1) / 2 : 1;
            const Fmr<T>* const fmr = fmr_of<T>(tiling.m, splits > 1 ? 2 : taps);
            const int64_t first_cell = axis.high - group.offsets.back();
            const int64_t end = first_cell + splits * fmr->r + tiling.m - 1;
            tiling.groups.push_back({fmr, first_cell, tiling.points, splits});
            tiling.points += fmr->points;
            tiling.cells = end > tiling.cells ? end : tiling.cells;
        }
        return tiling;
    }
};

// One phase group: the transforms of its axis groups.
template <class T>
struct GroupTransform {
    const PhaseGroup* phase_group;
    AxisTransform<T> axes[3];
    int64_t points = 1, filters = 1;  // of all axes together

    GroupTransform(const PhaseGroups& all, int64_t index, const AxisTiling<T> (&tilings)[3])
        : phase_group(&all.all[static_cast<size_t>(index)]) {
        for (int a = 2; a >= 0; --a) {
            const int64_t count = static_cast<int64_t>(tilings[a].groups.size());
            axes[a] = tilings[a].groups[static_cast<size_t>(index % count)];
            index /= count;
            points *= axes[a].fmr->points;
            filters *= axes[a].fmr->filters;
        }
    }
};

}  // namespace tconv::TCONV_TARGET::winograd
