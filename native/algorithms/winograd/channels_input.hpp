// Blocks of tiles with lanes along channels, and their input transform.
#pragma once

#include "algorithms/winograd/channels_recipe.hpp"
#include "problem/regions.hpp"

namespace tconv::TCONV_TARGET::winograd::channel_lanes {

// Tiles of one region, and where what they read and write lies.
template <class T>
struct TileBlock {
    TileBlock(const TileRegion& of, const TileTransform<T>& first, int64_t* room)
        : region(&of), transform(first), columns(room) {}

    const TileRegion* region;
    TileTransform<T> transform;  // of the phase group at hand
    int64_t* columns;            // where the register blocks begin whose outputs are asked for
    int64_t wanted;              // how many these are
    Region in, out;
    int64_t image, images, tile[3], tiles[3], all;  // the first, how many along each axis
    const T* x;
    T* y;
    View from, to;
    T *input, *products;  // transformed input; products at all points

    // The image of a tile, and its first position.
    void position(int64_t index, int64_t* of_image, int64_t* at) const {
        for (int a = 2; a >= 0; --a) {
            at[a] = tile[a] + index % tiles[a] * region->m[a];
            index /= tiles[a];
        }
        *of_image = index;
    }
};

template <class T>
class InputTransform {
    typedef typename Lanes<T>::V V;
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    InputTransform(const Columns<T>& columns, const Shape& shape, Scratch& scratch)
        : columns_(columns), shape_(shape), depth_(columns.depth) {
        padded_ = scratch.take<T>(columns.most_points * depth_);
        planes_ = scratch.take<T>(columns.most_points * depth_);
        rows_ = scratch.take<T>(columns.most_points * depth_);
        zeros_ = scratch.take<T>(depth_);
        zero(zeros_, depth_);
    }

    // The channels of a tile, for one split of the filter, to its points, `step` apart. Returns the
    // sum of the squares of its cells.
    V run(const TileBlock<T>& block, int64_t tile, int64_t split, T* to, int64_t step) const {
        const TileTransform<T>& t = block.transform;
        const T* cells[points_limit];
        find_cells(block, tile, split, cells);
        // the last axis, then the second, then the first
        const Fmr<T>*const z = t.axes[0].fmr, *const y = t.axes[1].fmr, *const x = t.axes[2].fmr;
        const int64_t row = x->points, plane = y->points * row, vectors = depth_ / lanes;
        const int64_t ahead = 2 * block.region->m[2] * block.from.axis[2];
        int64_t place[3];
        for (int a = 0; a < 3; ++a) place[a] = t.place[a] * step;
        const bool second = y->filters > 1, first = z->filters > 1;
        const int64_t dense[3] = {plane * depth_, row * depth_, depth_};
        const int64_t* const after_y = first ? dense : place;
        const int64_t* const after_x = second ? dense : after_y;
        T* const planes = first ? planes_ : to;
        T* const rows = second ? rows_ : planes;
        V squares{};
        for (int64_t i = 0; i < z->points; ++i)
            for (int64_t j = 0; j < y->points; ++j)
                squares += x->input_pixels(cells + i * plane + j * row, ahead,
                                           rows + i * after_x[0] + j * after_x[1], after_x[2],
                                           vectors);
        if (second)
            for (int64_t i = 0; i < z->points; ++i)
                y->input({rows + i * dense[0], dense[1], dense[2], planes + i * after_y[0],
                          after_y[1], after_y[2], row, vectors});
        if (first)
            for (int64_t j = 0; j < y->points; ++j)
                z->input({planes + j * dense[1], dense[0], dense[2], to + j * place[1], place[0],
                          place[2], row, vectors});
        return squares;
    }

  private:
    // Where whole vectors of each cell are read from: zeros beyond the input, or a padded copy.
    void find_cells(const TileBlock<T>& block, int64_t tile, int64_t split,
                    const T** cells) const {
        int64_t image, start[3], count[3];
        block.position(tile, &image, start);
        for (int a = 2; a >= 0; --a) {
            const AxisTransform<T>& axis = block.transform.axes[a];
            start[a] += axis.first_cell - columns_.phases.axes[a].high +
                        split % axis.splits * axis.fmr->r;
            count[a] = axis.fmr->points;
            split /= axis.splits;
        }
        const int64_t in = columns_.phases.in;
        for (int64_t i = 0; i < block.transform.points; ++i) {
            const int64_t cell[3] = {start[0] + i / count[2] / count[1],
                                     start[1] + i / count[2] % count[1], start[2] + i % count[2]};
            bool inside = true;
            for (int a = 0; a < 3; ++a)
                inside = inside && cell[a] >= 0 && cell[a] < shape_.input[a];
            const T* const from = block.x + block.from.of(image, cell[0], cell[1], cell[2]);
            cells[i] = inside ? from : zeros_;
            if (!inside || in == depth_) continue;
            T* const copied = padded_ + i * depth_;
            copy(copied, from, in);
            zero(copied + in, depth_ - in);
            cells[i] = copied;
        }
    }

    const Columns<T>& columns_;
    const Shape& shape_;
    const int64_t depth_;
    T *padded_, *planes_, *rows_, *zeros_;
};

}  // namespace tconv::TCONV_TARGET::winograd::channel_lanes
