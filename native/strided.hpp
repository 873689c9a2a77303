// Tiles of positions, and the panel that a strided reading of them makes: for every channel and
// phase a plane of cells, in which each kernel element is a constant distance.
#pragma once

#include "phased.hpp"
#include "spans.hpp"

namespace tconv::TCONV_TARGET {

// How positions are cut into tiles, and how a tile lies in a plane.
struct Tiles {
    int64_t count[3], tile[3], tiles[3];  // positions, in a tile, and tiles
    int64_t batch, images, image_tiles;   // images, in a tile, and tiles
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

// Cuts positions so that a tile takes about `room` cells where each axis needs `reach` more.
inline Tiles tiles_of(const int64_t* count, int64_t batch, const int64_t* reach, int64_t room,
                      int64_t lanes) {
    Tiles t;
    for (int a = 2; a >= 0; --a) {
        t.count[a] = count[a];
        const int64_t fits = max(1, room - reach[a]);
        t.tile[a] = ceil_div(count[a], ceil_div(count[a], fits));
        t.tiles[a] = ceil_div(count[a], t.tile[a]);
        t.pitch[a] = t.tile[a] + reach[a];
        room = t.tiles[a] > 1 ? 1 : max(1, room / t.pitch[a]);
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

// Where each element of a box reads in the planes of a channel, from the place of a position.
inline void fill_offsets(const Box& box, const Tiles& t, int32_t* table) {
    const Span *z = box.axes, *y = box.axes + 1, *x = box.axes + 2;
    const auto phases = [](const Span* s) { return static_cast<int64_t>(s->phases.size()); };
    for (int64_t i = 0; i < z->count; ++i)
        for (int64_t j = 0; j < y->count; ++j)
            for (int64_t k = 0; k < x->count; ++k) {
                const int64_t plane =
                    (z->phase[i] * phases(y) + y->phase[j]) * phases(x) + x->phase[k];
                *table++ = static_cast<int32_t>(
                    plane * t.plane + t.place(0, z->offset[i], y->offset[j], x->offset[k]));
            }
}

template <class T>
TCONV_INLINE void set_zero(T* to, int64_t count) {
    for (int64_t i = 0; i < count; ++i) to[i] = T(0);
}

template <class T>
TCONV_INLINE void copy_cells(T* to, const T* from, int64_t count) {
    constexpr int64_t lanes = Lanes<T>::count;
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) store<T>(to + i, load<T>(from + i));
    for (; i < count; ++i) to[i] = from[i];
}

// An array (N, C, *size) read at i·stride + k·dilation - crop.
template <class T>
class Reading {
  public:
    Reading(const Layer& layer, const Shape& shape, const T* y) : y_(y) {
        channels_ = layer.out_channels;
        int64_t cells = shape.batch * channels_;
        for (int a = 0; a < 3; ++a) {
            size_[a] = shape.output[a];
            crop_[a] = shape.crop[a];
            stride_[a] = layer.axes[a].stride;
            cells *= size_[a];
        }
        end_ = y + cells;
    }

    // Planes of some channels. Up to a vector of cells beyond the end of each is written too.
    void fill(const Box& box, const Tiles& t, const Tile& tile, int64_t channel, int64_t channels,
              T* panel) const {
        int64_t from[3], cells[3];
        for (int a = 0; a < 3; ++a) {
            from[a] = (tile.start[a] + box.axes[a].low) * stride_[a] - crop_[a];
            cells[a] = tile.count[a] + box.axes[a].reach;
        }
        const std::vector<int64_t>&zs = box.axes[0].phases, &ys = box.axes[1].phases;
        const std::vector<int64_t>& xs = box.axes[2].phases;
        const int64_t phases = static_cast<int64_t>(xs.size());
        for (int64_t c = 0; c < channels; ++c, panel += box.phases * t.plane)
            for (int64_t n = 0; n < tile.images; ++n) {
                const T* source = y_ + ((tile.image + n) * channels_ + channel + c) * size_[0] *
                                           size_[1] * size_[2];
                T* planes = panel;
                for (const int64_t phase_z : zs)
                    for (const int64_t phase_y : ys) {
                        for (int64_t z = 0; z < cells[0]; ++z)
                            for (int64_t y = 0; y < cells[1]; ++y) {
                                T* to = planes + t.place(n, z, y, 0);
                                const int64_t oz = from[0] + z * stride_[0] + phase_z;
                                const int64_t oy = from[1] + y * stride_[1] + phase_y;
                                if (oz < 0 || oz >= size_[0] || oy < 0 || oy >= size_[1])
                                    for (int64_t p = 0; p < phases; ++p)
                                        set_zero(to + p * t.plane, cells[2]);
                                else
                                    split(source + (oz * size_[1] + oy) * size_[2], from[2],
                                          xs.data(), phases, cells[2], to, t.plane);
                            }
                        planes += phases * t.plane;
                    }
            }
    }

  private:
    // to[p·plane + x] = row[at + x·stride + phases[p]], zero where that is outside the row.
    void split(const T* row, int64_t at, const int64_t* phases, int64_t count, int64_t cells, T* to,
               int64_t plane) const {
        const int64_t stride = stride_[2], length = size_[2];
        // cells whose every phase is in the row
        const int64_t low = min(ceil_div(max(-at - phases[0], 0), stride), cells);
        const int64_t room = length - at - phases[count - 1];
        const int64_t high = max(min(cells, room > 0 ? ceil_div(room, stride) : 0), low);
        int64_t x = low;
        if (phases[0] == 0) x = split_vectors(row + at, phases, count, low, high, to, plane);
        for (int64_t p = 0; p < count; ++p) {
            const T* from = row + at + phases[p];
            T* const plane_to = to + p * plane;
            for (int64_t i = x; i < high; ++i) plane_to[i] = from[i * stride];
            const auto edge = [&](int64_t i) {
                const int64_t o = at + i * stride + phases[p];
                plane_to[i] = o >= 0 && o < length ? row[o] : T(0);
            };
            for (int64_t i = 0; i < low; ++i) edge(i);
            for (int64_t i = high; i < cells; ++i) edge(i);
        }
    }

    // The cells from x to high a vector at a time; returns the first that is left.
    int64_t split_vectors(const T* from, const int64_t* phases, int64_t count, int64_t x,
                          int64_t high, T* to, int64_t plane) const {
        constexpr int64_t lanes = Lanes<T>::count;
        const int64_t stride = stride_[2];
        // reading beyond the row is harmless, beyond the array it is not
        const int64_t safe = (end_ - from) / stride - lanes;
        const int64_t end = min(high, safe + 1);
        switch (stride) {
            case 1: return split_by<1>(from, phases, count, x, end, to, plane);
            case 2: return split_by<2>(from, phases, count, x, end, to, plane);
            case 3: return split_by<3>(from, phases, count, x, end, to, plane);
            case 4: return split_by<4>(from, phases, count, x, end, to, plane);
            case 8: return split_by<8>(from, phases, count, x, end, to, plane);
            default: break;
        }
        if (stride < lanes || count < stride) return x;
        for (; x < end; x += lanes)
            for (int64_t p = 0; p < stride; p += lanes) {
                const int64_t first = min(p, stride - lanes);
                typename Lanes<T>::V v[lanes];
                for (int64_t i = 0; i < lanes; ++i) v[i] = load<T>(from + (x + i) * stride + first);
                interleave<T, lanes>(v);
                for (int64_t i = 0; i < lanes; ++i) store<T>(to + (first + i) * plane + x, v[i]);
            }
        return min(x, high);
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
    int64_t channels_, size_[3], crop_[3], stride_[3];
};

}  // namespace tconv::TCONV_TARGET
