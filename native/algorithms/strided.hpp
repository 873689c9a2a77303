// Tiles of positions, and the panel that a strided reading of them makes: for every channel and
// phase a plane of cells, in which each kernel element is a constant distance.
#pragma once

#include "problem/rows.hpp"
#include "problem/phases.hpp"
#include "problem/kernel_blocks.hpp"

namespace tconv::TCONV_TARGET {

// How positions are cut into tiles, and how a tile lies in a plane.
struct Tiles {
    int64_t count[3], tile[3], tiles[3];  // positions, in a tile, and tiles
    int64_t batch, images, image_tiles;   // images, in a tile, and tiles
    int64_t step;                         // cells that a position takes along the last axis
    int64_t pitch[3];                     // cells of a plane along each axis
    int64_t plane;                        // cells from one plane to the next

    int64_t all() const { return image_tiles * tiles[0] * tiles[1] * tiles[2]; }

    int64_t place(int64_t image, int64_t z, int64_t y, int64_t x) const {
        return ((image * pitch[0] + z) * pitch[1] + y) * pitch[2] + x;
    }
};

struct Tile {
    int64_t start[3], count[3], image, images;

    int64_t positions() const { return images * count[0] * count[1] * count[2]; }
};

// Cuts positions so that a tile has room for so many, where each axis takes `reach` more cells.
inline Tiles tiles_of(const int64_t* count, int64_t batch, const int64_t* reach, int64_t step,
                      int64_t room, int64_t lanes) {
    Tiles t;
    t.step = step;
    for (int a = 2; a >= 0; --a) {
        t.count[a] = count[a];
        const int64_t each = a == 2 ? step : 1;
        const int64_t fits = max(1, room - ceil_div(reach[a], each));
        t.tile[a] = ceil_div(count[a], ceil_div(count[a], fits));
        t.tiles[a] = ceil_div(count[a], t.tile[a]);
        t.pitch[a] = t.tile[a] * each + reach[a];
        room = t.tiles[a] > 1 ? 1 : max(1, room * each / t.pitch[a]);
    }
    t.batch = batch;
    t.images = ceil_div(batch, ceil_div(batch, room));
    t.image_tiles = ceil_div(batch, t.images);
    const int64_t cells = t.images * t.pitch[0] * t.pitch[1] * t.pitch[2];
    t.plane = (ceil_div(cells + lanes, 16) | 1) * 16;
    return t;
}

inline Tile tile_at(const Tiles& t, int64_t index) {
    Tile tile;
    for (int a = 2; a >= 0; --a) {
        tile.start[a] = index % t.tiles[a] * t.tile[a];
        tile.count[a] = min(t.tile[a], t.count[a] - tile.start[a]);
        index /= t.tiles[a];
    }
    tile.image = index * t.images;
    tile.images = min(t.images, t.batch - tile.image);
    return tile;
}

// Where each element of a block reads in the planes of a channel, from the place of a position.
inline void fill_offsets(const KernelBlock& block, const Tiles& t, int32_t* table) {
    const KernelRange *z = block.axes, *y = block.axes + 1, *x = block.axes + 2;
    for (int64_t i = 0; i < z->count; ++i)
        for (int64_t j = 0; j < y->count; ++j)
            for (int64_t k = 0; k < x->count; ++k) {
                const int64_t plane =
                    (z->plane[i] * y->planes + y->plane[j]) * x->planes + x->plane[k];
                *table++ = static_cast<int32_t>(
                    plane * t.plane + t.place(0, z->offset[i], y->offset[j], x->offset[k]));
            }
}

// Whether elements of an axis are given planes of their own: where positions are so few that the
// cells between rows, which a plane of a phase has, cost more than the copies. `uses` is how often
// a cell is multiplied.
inline void choose_own_planes(const Layer& layer, const Shape& shape, int64_t uses, bool* own_planes) {
    constexpr int64_t copy = 4, together = 512;
    int64_t positions = 1;
    for (int a = 2; a >= 0; --a) {
        const Axis& axis = layer.axes[a];
        const int64_t reach = (axis.kernel - 1) * axis.dilation / axis.stride;
        positions *= shape.input[a];
        own_planes[a] = reach * uses > copy * shape.input[a] && (a == 2 || positions <= together);
    }
}

// An array (N, C, *size) read at i·stride + k·dilation - crop; a step of more than one cell a
// position takes the rows as they are.
template <class T>
class Reading {
  public:
    Reading(const Layer& layer, const Shape& shape, int64_t step, const T* y)
        : y_(y), step_(step) {
        channels_ = layer.out_channels;
        int64_t cells = shape.batch * channels_;
        for (int a = 0; a < 3; ++a) {
            size_[a] = shape.output[a];
            crop_[a] = shape.crop[a];
            stride_[a] = layer.axes[a].stride;
            cells *= size_[a];
        }
        stride_[2] /= step;
        end_ = y + cells;
    }

    // Planes of some channels. Up to a vector of cells beyond the end of each is written too.
    void fill(const KernelBlock& block, const Tiles& t, const Tile& tile, int64_t channel, int64_t channels,
              T* panel) const {
        const KernelRange *zs = block.axes, *ys = block.axes + 1, *xs = block.axes + 2;
        const int64_t cells_z = tile.count[0] + zs->reach, cells_y = tile.count[1] + ys->reach;
        for (const PlaneGroup& along : xs->groups) {
            const Row row = row_of(along, tile, tile.count[2] * step_ + xs->reach, t.plane);
            for (int64_t c = 0; c < channels; ++c)
                for (int64_t n = 0; n < tile.images; ++n) {
                    const T* source = y_ + ((tile.image + n) * channels_ + channel + c) *
                                               size_[0] * size_[1] * size_[2];
                    T* planes = panel + c * block.planes * t.plane + t.place(n, 0, 0, 0);
                    for (const PlaneGroup& z_phases : zs->groups)
                        for (const int64_t phase_z : z_phases.each)
                            for (const PlaneGroup& y_phases : ys->groups)
                                for (const int64_t phase_y : y_phases.each) {
                                    const int64_t z = cell(0, tile, z_phases.base, phase_z);
                                    const int64_t y = cell(1, tile, y_phases.base, phase_y);
                                    fill_rows(row, t, source, z, cells_z, y, cells_y, planes);
                                    planes += xs->planes * t.plane;
                                }
                }
            panel += row.count * t.plane;
        }
    }

  private:
    // What is the same for every row: to[p·plane + x] = row[at + x·stride + phases[p]].
    struct Row {
        int64_t at, cells, plane, count;
        const int64_t* phases;
        int64_t low, high;  // cells whose every phase is in the row
        int64_t end;        // of the reads that whole vectors need; none where that is 0
    };

    int64_t cell(int axis, const Tile& tile, int64_t base, int64_t phase) const {
        const int64_t start = tile.start[axis] * (axis == 2 ? step_ : 1);
        return (start + base) * stride_[axis] + phase - crop_[axis];
    }

    Row row_of(const PlaneGroup& along, const Tile& tile, int64_t cells, int64_t plane) const {
        constexpr int64_t lanes = Lanes<T>::count;
        Row row;
        row.at = cell(2, tile, along.base, 0);
        row.cells = cells;
        row.plane = plane;
        row.count = static_cast<int64_t>(along.each.size());
        row.phases = along.each.data();
        const int64_t stride = stride_[2], first = row.phases[0];
        row.low = min(ceil_div(max(-row.at - first, 0), stride), cells);
        const int64_t room = size_[2] - row.at - row.phases[row.count - 1];
        row.high = max(min(cells, room > 0 ? ceil_div(room, stride) : 0), row.low);
        const bool shuffled = stride <= 4 || stride == 8;
        const bool turned = stride >= lanes && row.count == stride;
        const int64_t whole = row.low + ceil_div(row.high - row.low, lanes) * lanes;
        row.end = first == 0 && (shuffled || turned) ? row.at + whole * stride : 0;
        return row;
    }

    void fill_rows(const Row& row, const Tiles& t, const T* source, int64_t z, int64_t cells_z,
                   int64_t y, int64_t cells_y, T* planes) const {
        for (int64_t i = 0; i < cells_z; ++i, z += stride_[0])
            for (int64_t j = 0; j < cells_y; ++j) {
                T* to = planes + t.place(0, i, j, 0);
                const int64_t oy = y + j * stride_[1];
                if (z >= 0 && z < size_[0] && oy >= 0 && oy < size_[1])
                    split(row, source + (z * size_[1] + oy) * size_[2], to);
                else
                    for (int64_t p = 0; p < row.count; ++p) zero(to + p * row.plane, row.cells);
            }
    }

    void split(const Row& r, const T* from, T* to) const {
        const int64_t stride = stride_[2], length = size_[2];
        // reading beyond the row is harmless, beyond the array it is not
        int64_t x = r.low;
        if (r.end > 0 && r.end <= end_ - from) x = split_vectors(r, from + r.at, to);
        if (x >= r.high && r.low == 0 && r.high == r.cells) return;
        for (int64_t p = 0; p < r.count; ++p) {
            T* const plane_to = to + p * r.plane;
            const int64_t at = r.at + r.phases[p];
            for (int64_t i = x; i < r.high; ++i) plane_to[i] = from[at + i * stride];
            const auto edge = [&](int64_t i) {
                const int64_t o = at + i * stride;
                plane_to[i] = o >= 0 && o < length ? from[o] : T(0);
            };
            for (int64_t i = 0; i < r.low; ++i) edge(i);
            for (int64_t i = r.high; i < r.cells; ++i) edge(i);
        }
    }

    // The cells from low to high a vector at a time.
    int64_t split_vectors(const Row& r, const T* from, T* to) const {
        constexpr int64_t lanes = Lanes<T>::count;
        const int64_t stride = stride_[2];
        switch (stride) {
            case 1: return split_by<1>(from, r.phases, r.count, r.low, r.high, to, r.plane);
            case 2: return split_by<2>(from, r.phases, r.count, r.low, r.high, to, r.plane);
            case 3: return split_by<3>(from, r.phases, r.count, r.low, r.high, to, r.plane);
            case 4: return split_by<4>(from, r.phases, r.count, r.low, r.high, to, r.plane);
            case 8: return split_by<8>(from, r.phases, r.count, r.low, r.high, to, r.plane);
            default: break;
        }
        for (int64_t x = r.low; x < r.high; x += lanes)
            for (int64_t p = 0; p < stride; p += lanes) {
                const int64_t first = min(p, stride - lanes);
                typename Lanes<T>::V v[lanes];
                for (int64_t i = 0; i < lanes; ++i) v[i] = load<T>(from + (x + i) * stride + first);
                interleave<T, lanes>(v);
                for (int64_t i = 0; i < lanes; ++i) store<T>(to + (first + i) * r.plane + x, v[i]);
            }
        return r.high;
    }

    template <int S>
    static int64_t split_by(const T* from, const int64_t* phases, int64_t count, int64_t x,
                            int64_t end, T* to, int64_t plane) {
        constexpr int64_t lanes = Lanes<T>::count;
        for (; x < end; x += lanes) {
            typename Lanes<T>::V v[S];
            for (int i = 0; i < S; ++i) v[i] = load<T>(from + S * x + i * lanes);
            if constexpr (S == 3) {
                const auto a = every_third<T, 0>(v[0], v[1], v[2]);
                const auto b = every_third<T, 1>(v[0], v[1], v[2]);
                const auto c = every_third<T, 2>(v[0], v[1], v[2]);
                v[0] = a;
                v[1] = b;
                v[2] = c;
            } else {
                deinterleave<T, S>(v);
            }
            if (count == S)
                for (int p = 0; p < S; ++p) store<T>(to + p * plane + x, v[p]);
            else
                for (int64_t p = 0; p < count; ++p) store<T>(to + p * plane + x, v[phases[p]]);
        }
        return x;
    }

    const T *y_, *end_;
    int64_t step_, channels_, size_[3], crop_[3], stride_[3];
};

}  // namespace tconv::TCONV_TARGET
