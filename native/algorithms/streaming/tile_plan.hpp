// A call: which cells of a row enter which phases, how the output is cut into tiles, and which rows
// of the input make which rows of a tile.
#pragma once

#include <vector>

#include "algorithms/streaming/recipe.hpp"
#include "heuristics/cache.hpp"
#include "heuristics/costs.hpp"

namespace tconv::TCONV_TARGET::streaming {

// The weights of a row of the kernel, phase by phase.
struct RowTaps {
    std::vector<int64_t> kernel, at;  // of each weight its element, and the cell it multiplies
    std::vector<int64_t> first;       // of each phase, its first weight
    int64_t low = 0, reach = 0;       // from position to first cell, from there to the last

    // Cell s·q + p of a row reads x[q + at] by element k: s·(q + at) + k·d = s·q + p + crop.
    RowTaps(const Axis& axis, int64_t crop) {
        struct Entry {
            int64_t phase, at, kernel;
        };
        std::vector<Entry> entries(static_cast<size_t>(axis.kernel));
        int64_t high = 0;
        for (int64_t k = 0; k < axis.kernel; ++k) {
            const int64_t u = k * axis.dilation - crop, q = -floor_div(u, axis.stride);
            entries[static_cast<size_t>(k)] = {u + q * axis.stride, q, k};
            low = k ? min(low, q) : q;
            high = k ? max(high, q) : q;
        }
        reach = high - low;
        std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
            return a.phase != b.phase ? a.phase < b.phase : a.kernel < b.kernel;
        });
        for (const Entry& entry : entries) {
            while (count_of(first) <= entry.phase) first.push_back(count_of(at));
            at.push_back(entry.at - low);
            kernel.push_back(entry.kernel);
        }
        const int64_t all = ceil_div(axis.stride, max_phases) * max_phases;
        while (count_of(first) <= all) first.push_back(count_of(at));
    }
};

struct TilePlan {
    RowTaps row;
    int64_t size[3], tile[3], tiles[3];  // of the output: planes, rows, positions
    bool by_channel;                     // the rows computed at once are of several channels
    bool nontemporal;

    template <class T>
    TilePlan(const StreamingRecipe<T>& recipe, const Shape& shape)
        : row(recipe.layer.axes[2], shape.crop[2]),
          by_channel(shape.output[1] == 1),
          nontemporal(bytes_moved<T>(recipe.layer, shape, false) >= double(nontemporal_bytes)) {
        const Axis* axes = recipe.layer.axes;
        size[0] = shape.output[0];
        size[1] = shape.output[1];
        size[2] = ceil_div(shape.output[2], axes[2].stride);
        tile[2] = min(size[2], max_tile_positions);
        const int64_t row_bytes = recipe.in * (tile[2] + row.reach) * int64_t(sizeof(T));
        const int64_t held = max(1, tile_bytes / row_bytes);
        tile[1] = min(size[1], min(max(4, held) * axes[1].stride, max_tile_rows));
        const int64_t planes = held / max(1, min(shape.input[1], held));
        tile[0] = min(size[0], tile[1] < size[1] ? 1 : max(1, planes) * axes[0].stride);
        for (int a = 0; a < 3; ++a) tiles[a] = size[a] ? ceil_div(size[a], tile[a]) : 0;
    }
};

// Output rows that are computed at once, and their input rows.
struct RowGroup {
    int64_t first_input, inputs, count, z, y;
};

// Rows of the input along one axis.
struct InputRange {
    int64_t low, count;
};

// Those that outputs [first, end) of an axis read.
inline InputRange inputs_of(const Axis& axis, const Shape& shape, int a, int64_t first, int64_t end) {
    const int64_t span = (axis.kernel - 1) * axis.dilation;
    const int64_t low = max(0, -floor_div(span - first - shape.crop[a], axis.stride));
    const int64_t last = floor_div(end - 1 + shape.crop[a], axis.stride);
    return {low, max(0, min(shape.input[a] - 1, last) - low + 1)};
}

// The kernel element by which input i enters output o, or -1.
inline int64_t element_of(const Axis& axis, int64_t crop, int64_t o, int64_t i) {
    const int64_t u = o + crop - i * axis.stride;
    if (u < 0 || u > (axis.kernel - 1) * axis.dilation) return -1;
    if (axis.dilation == 1) return u;
    return u % axis.dilation ? -1 : u / axis.dilation;
}

// Neighbouring positions of a tile, all of its rows: the interior of the rows, whose cells are read
// where they lie, or a border, whose cells are copied between zeros.
struct RowSection {
    int64_t tile = -1, left = 0, right = 0;
    bool direct = false;
    InputRange held[2];            // planes and rows of the input
    int64_t height, pitch, plane;  // of what is read: rows, cells of a row, of a channel
    std::vector<InputRow> inputs;
    std::vector<RowGroup> groups;

    bool is(int64_t number, int64_t from, int64_t to, bool in_place) const {
        return tile == number && left == from && right == to && direct == in_place;
    }

    template <class T>
    void prepare(const StreamingRecipe<T>& recipe, const Shape& shape, const TilePlan& plan,
                 int64_t number, int64_t from, int64_t to, bool in_place) {
        const Axis* const axes = recipe.layer.axes;
        tile = number;
        left = from;
        right = to;
        direct = in_place;
        int64_t first[2], end[2];
        number /= plan.tiles[2];
        for (int a = 1; a >= 0; --a) {
            first[a] = number % plan.tiles[a] * plan.tile[a];
            end[a] = min(first[a] + plan.tile[a], plan.size[a]);
            number /= plan.tiles[a];
            held[a] = inputs_of(axes[a], shape, a, first[a], end[a]);
        }
        height = direct ? shape.input[1] : held[1].count;
        pitch = direct ? shape.input[2]
                       : ceil_div(right - left, Lanes<T>::count) * Lanes<T>::count + plan.row.reach;
        plane = (direct ? shape.input[0] : held[0].count) * height * pitch;
        inputs.clear();
        groups.clear();
        const int64_t rows = (end[0] - first[0]) * (end[1] - first[1]);
        groups.reserve(static_cast<size_t>(rows));
        inputs.reserve(static_cast<size_t>(rows * ceil_div(axes[0].kernel, axes[0].stride) *
                                           ceil_div(axes[1].kernel, axes[1].stride)));
        for (int64_t z = first[0]; z < end[0]; ++z) {
            if (plan.by_channel) {
                add_group(recipe, shape, z, 0, min(recipe.out, recipe.rows_at_once(max_rows)));
                continue;
            }
            for (int64_t y = first[1]; y < end[1]; y += groups.back().count) {
                // rows at one position read the same input rows
                int64_t several = end[1] - y;
                if (axes[1].stride > 1) {
                    const int64_t u = y + shape.crop[1], s = axes[1].stride;
                    several = min(several, (floor_div(u, s) + 1) * s - u);
                }
                add_group(recipe, shape, z, y, recipe.rows_at_once(several));
            }
        }
    }

  private:
    template <class T>
    void add_group(const StreamingRecipe<T>& recipe, const Shape& shape, int64_t z, int64_t y,
                   int64_t several) {
        const Axis* axes = recipe.layer.axes;
        const bool by_channel = shape.output[1] == 1;
        const int64_t channel = recipe.in * axes[0].kernel * axes[1].kernel;  // rows of weights
        const InputRange zs = inputs_of(axes[0], shape, 0, z, z + 1);
        const InputRange ys = inputs_of(axes[1], shape, 1, y, by_channel ? y + 1 : y + several);
        const int64_t before = count_of(inputs);
        for (int64_t iz = zs.low; iz < zs.low + zs.count; ++iz) {
            const int64_t kz = element_of(axes[0], shape.crop[0], z, iz);
            if (kz < 0) continue;
            for (int64_t iy = ys.low; iy < ys.low + ys.count; ++iy) {
                const int64_t row = direct ? iz * height + iy
                                           : (iz - held[0].low) * height + iy - held[1].low;
                InputRow input{row * pitch, {}, true};
                bool any = false;
                for (int64_t i = 0; i < several; ++i) {
                    const int64_t o = by_channel ? y : y + i;
                    const int64_t ky = element_of(axes[1], shape.crop[1], o, iy);
                    const int64_t weights = kz * axes[1].kernel + ky + (by_channel ? i * channel : 0);
                    input.w[i] = ky < 0 ? -1 : weights * axes[2].kernel;
                    any = any || ky >= 0;
                    input.whole = input.whole && ky >= 0;
                }
                if (any) inputs.push_back(input);
            }
        }
        groups.push_back({before, count_of(inputs) - before, several, z, y});
    }
};

}  // namespace tconv::TCONV_TARGET::streaming
