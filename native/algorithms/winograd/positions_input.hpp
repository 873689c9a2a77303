// The input transform with lanes along positions.
#pragma once

#include "algorithms/winograd/positions_recipe.hpp"
#include "problem/rows.hpp"

namespace tconv::TCONV_TARGET::winograd::position_lanes {

// A row of tiles of one channel to its points, a channel and row at a time.
template <class T>
class InputTransform {
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    InputTransform(const WinogradRecipe<T>& recipe, const Shape& shape, const TilePlan& plan,
                   const T* x, int64_t plane, Scratch& scratch)
        : recipe_(recipe), axes_(recipe.axes), shape_(shape), plan_(plan), x_(x) {
        const int64_t rows = axes_[0].cells * axes_[1].cells, points = axes_[2].points * plane;
        padded_ = scratch.take<T>(rows * padded_row(plane) + lanes);
        split_ = scratch.take<T>(rows * points);
        planes_ = scratch.take<T>(axes_[0].cells * axes_[1].points * points);
        sources_ = scratch.take<const T*>(rows);
    }

    // Of the channel that starts at x + from. The points go to `to`, each `step` apart; the squares
    // of a tile's cells are added to `squares`.
    void run(const TileRow& row, int64_t from, T* to, int64_t step, T* squares) const {
        const int64_t vectors = ceil_div(row.tiles, lanes), across = vectors * lanes;
        const int64_t set = axes_[2].points * across;  // points of a row of the input
        const bool plain_y = axes_[1].plain(), plain_z = axes_[0].plain();
        const bool last = plain_y && plain_z;
        find_rows(row, from, across, last);
        for (int64_t i = 0; i < axes_[0].cells * axes_[1].cells; ++i)
            for (const AxisTransform<T>& group : axes_[2].groups)
                group.fmr->input_row(
                    {sources_[i] + group.first_cell, 0, 0,
                     last ? to + group.first_point * step
                          : split_ + i * set + group.first_point * across,
                     last ? step : across, 0, 1, vectors},
                    squares);
        if (last) return;
        // the second axis, then the first
        const T* planes = split_;
        const int64_t inner = axes_[1].points * axes_[2].points;
        if (!plain_y) {
            if (!plain_z) planes = planes_;
            for (int64_t z = 0; z < axes_[0].cells; ++z)
                for (const AxisTransform<T>& group : axes_[1].groups) {
                    const T* d = split_ + (z * axes_[1].cells + group.first_cell) * set;
                    const int64_t e = group.first_point * axes_[2].points;
                    if (plain_z)
                        group.fmr->input({d, set, across, to + e * step, axes_[2].points * step,
                                          step, axes_[2].points, vectors});
                    else
                        group.fmr->input({d, set, 0, planes_ + (z * inner + e) * across, set, 0, 1,
                                          axes_[2].points * vectors});
                }
        }
        if (plain_z) return;
        for (const AxisTransform<T>& group : axes_[0].groups)
            group.fmr->input({planes + group.first_cell * inner * across, inner * across, across,
                              to + group.first_point * inner * step, inner * step, step, inner,
                              vectors});
    }

  private:
    // Cells of a row of so many tiles, with the whole vectors that reading and writing it takes.
    int64_t padded_row(int64_t tiles) const {
        return (ceil_div(axes_[2].m * tiles + 4, lanes) + 1) * lanes;
    }

    // Whole vectors.
    static TCONV_INLINE void clear(T* to, int64_t count) {
        for (int64_t i = 0; i < count; i += lanes) store<T>(to + i, typename Lanes<T>::V{});
    }

    // Where each row of the input is read from: itself where it can be, else a padded copy.
    void find_rows(const TileRow& row, int64_t from, int64_t across, bool last) const {
        const int64_t cells = axes_[2].m * across + 4, pitch = padded_row(across);
        const int64_t tile[3] = {row.z, row.y, row.x}, *const in = shape_.input;
        int64_t start[3];
        for (int a = 0; a < 3; ++a)
            start[a] = plan_.first[a] + tile[a] * axes_[a].m - recipe_.phases.axes[a].high;
        const int64_t reach = axes_[2].m * (row.tiles - 1) + axes_[2].cells;
        const int64_t left = min(max(-start[2], 0), cells);
        const int64_t held = max(min(in[2] - start[2], reach) - left, 0);
        const int64_t input_cells =
            shape_.batch * recipe_.phases.layer.in_channels * in[0] * in[1] * in[2];
        for (int64_t i = 0; i < axes_[0].cells * axes_[1].cells; ++i) {
            const int64_t iz = start[0] + i / axes_[1].cells, iy = start[1] + i % axes_[1].cells;
            T* const copied = padded_ + i * pitch;
            sources_[i] = copied;
            if (iz < 0 || iz >= in[0] || iy < 0 || iy >= in[1]) {
                clear(copied, cells);
                continue;
            }
            const int64_t source = from + (iz * in[1] + iy) * in[2] + start[2] + left;
            for (int64_t j = 0; j < held; j += lanes)
                __builtin_prefetch(x_ + source + j + in[0] * in[1] * in[2]);
            if (last && left == 0 && held == reach && source + cells + lanes <= input_cells) {
                sources_[i] = x_ + source;
                continue;
            }
            clear(copied, left);
            if (source + held + lanes <= input_cells)
                for (int64_t j = 0; j < held; j += lanes)
                    store<T>(copied + left + j, load(x_ + source + j));
            else
                copy(copied + left, x_ + source, held);
            clear(copied + left + held, cells - left - held);
        }
    }

    const WinogradRecipe<T>& recipe_;
    const AxisTiling<T> (&axes_)[3];
    const Shape& shape_;
    const TilePlan& plan_;
    const T* x_;
    T *padded_, *split_, *planes_;
    const T** sources_;
};

}  // namespace tconv::TCONV_TARGET::winograd::position_lanes
