// The output transform with lanes along positions, and the rows of the output.
#pragma once

#include "algorithms/winograd/positions_recipe.hpp"
#include "problem/rows.hpp"

namespace tconv::TCONV_TARGET::winograd::position_lanes {

// Of a block of tiles and the phase groups that differ on the last axis alone, a channel at a time.
template <class T>
class OutputTransform {
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    OutputTransform(const WinogradRecipe<T>& recipe, const Shape& shape, const TilePlan& plan,
                    const TileBlock& block, const GroupTransform<T>* groups, Scratch& scratch)
        : recipe_(recipe), axes_(recipe.axes), stride_(recipe.phases.layer.axes[2].stride),
          shape_(shape), plan_(plan), block_(block), groups_(groups),
          zs_(groups->phase_group->axes[0]->phases), ys_(groups->phase_group->axes[1]->phases),
          across_(count_of(recipe.last_phases)), row_(block.plane * axes_[2].m),
          phase_(axes_[0].m * axes_[1].m * row_) {
        rows_ = scratch.take<T>(count_of(zs_) * count_of(ys_) * across_ * phase_ + 4 * lanes);
        planes_ = scratch.take<T>(recipe.most_points * block.plane);
        lines_ = scratch.take<T>(recipe.most_points * block.plane);
        phase_rows_ = scratch.take<const T*>(stride_);
    }

    // Of one of so many channels; `output` is an output channel of all images.
    void run(const T* products, int64_t channels, int64_t channel, T bias, T* output) const {
        const int64_t outer = count_of(zs_) * count_of(ys_);
        for (int64_t x = 0; x < recipe_.row_groups(); ++x) {
            const GroupTransform<T>& group = groups_[x];
            const std::vector<int64_t>& phases = group.phase_group->axes[2]->phases;
            const int64_t count = count_of(phases);
            const int64_t step = odd_lines<T>(outer * count * channels * block_.plane);
            for (int64_t o = 0; o < outer; ++o)
                for (int64_t i = 0; i < count; ++i) {
                    const int64_t row = (o * count + i) * channels + channel;
                    transform(group, products + row * block_.plane, step, bias,
                              rows_ + (o * across_ + rank_of(phases[i])) * phase_);
                }
            products += group.points * step;
        }
        recipe_.epilogue.finish(rows_, outer * across_ * phase_);
        for (int64_t i = 0; i < block_.count; ++i) write(block_.rows[i], output);
    }

  private:
    // Of a phase, among those of the last axis.
    int64_t rank_of(int64_t phase) const {
        const std::vector<int64_t>& all = recipe_.last_phases;
        return std::lower_bound(all.begin(), all.end(), phase) - all.begin();
    }

    // The products of one channel and phase to its outputs: [z][y] of a tile, each a row of all tiles.
    void transform(const GroupTransform<T>& group, const T* from, int64_t step, T bias,
                   T* to) const {
        const Fmr<T> *const z = group.axes[0].fmr, *const y = group.axes[1].fmr;
        const Fmr<T>* const x = group.axes[2].fmr;
        const int64_t plane = block_.plane, vectors = plane / lanes;
        if (z->points > 1) {
            const int64_t inner = y->points * x->points;
            z->output({from, inner * step, step, planes_, inner * plane, plane, inner, vectors});
            from = planes_;
            step = plane;
        }
        for (int64_t i = 0; i < z->m; ++i, from += y->points * x->points * step) {
            const T* line = from;
            int64_t line_step = step;
            if (y->points > 1) {
                y->output({from, x->points * step, step, lines_, x->points * plane, plane,
                           x->points, vectors});
                line = lines_;
                line_step = plane;
            }
            x->output_row({line, line_step, x->points * line_step, to, 0, x->m * plane, y->m,
                           vectors},
                          bias, recipe_.epilogue);
            to += y->m * x->m * plane;
        }
    }

    // Rows of one channel, all phases of the last axis, to the output.
    void write(const TileRow& row, T* output) const {
        const int64_t *out = shape_.output, *crop = shape_.crop;
        const Axis* axes = recipe_.phases.layer.axes;
        const RowWriter any = across_ == stride_ ? row_writer(stride_) : nullptr;
        T* const image = output + row.image * recipe_.phases.layer.out_channels * out[0] * out[1] *
                                      out[2];
        const int64_t x = row.x * axes_[2].m;
        const int64_t count = min(row.tiles * axes_[2].m, plan_.count[2] - x);
        const int64_t at = (plan_.first[2] + x) * stride_ - crop[2];
        const int64_t begin = max(-at, 0), end = min(out[2] - at, count * stride_);
        const RowWriter writer = end - begin >= lanes * stride_ ? any : nullptr;
        for (int64_t jz = 0; jz < axes_[0].m; ++jz)
            for (int64_t iz = 0; iz < count_of(zs_); ++iz) {
                const int64_t oz =
                    (plan_.first[0] + row.z * axes_[0].m + jz) * axes[0].stride + zs_[iz] - crop[0];
                if (oz < 0 || oz >= out[0]) continue;
                for (int64_t jy = 0; jy < axes_[1].m; ++jy)
                    for (int64_t iy = 0; iy < count_of(ys_); ++iy) {
                        const int64_t q = plan_.first[1] + row.y * axes_[1].m + jy;
                        const int64_t oy = q * axes[1].stride + ys_[iy] - crop[1];
                        if (oy < 0 || oy >= out[1]) continue;
                        const T* from = rows_ + (iz * count_of(ys_) + iy) * across_ * phase_ +
                                        (jz * axes_[1].m + jy) * row_ + row.at * axes_[2].m;
                        T* const to = image + (oz * out[1] + oy) * out[2];
                        if (writer)
                            writer(to + at, begin, end, from, phase_, out[0] * out[1] * out[2]);
                        else
                            write_cropped(to + at, at, from, count);
                    }
            }
    }

    // Positions of a short or cropped row: `to` stands where phase 0 of the first of them goes.
    void write_cropped(T* to, int64_t at, const T* from, int64_t count) const {
        const int64_t length = shape_.output[2];
        const T** const rows = phase_rows_;
        if (across_ < stride_) std::fill_n(rows, stride_, nullptr);
        for (int64_t p = 0; p < across_; ++p)
            rows[recipe_.last_phases[static_cast<size_t>(p)]] = from + p * phase_;
        const int64_t low = min(max(ceil_div(max(-at, 0), stride_), 0), count);
        const int64_t room = max(length - at, 0) / stride_;
        const int64_t end = max(min(count, room), low);
        write_edge(to, rows, 0, 0, low, stride_, at, length);
        by_stride<T>(stride_, across_ == stride_, [&](auto S) {
            write_inner<decltype(S)::value>(to, rows, 0, low, end, stride_, false);
        });
        write_edge(to, rows, 0, end, count, stride_, at, length);
    }

    typedef void (*RowWriter)(T* to, int64_t begin, int64_t end, const T* from, int64_t phase,
                              int64_t next);

    static RowWriter row_writer(int64_t stride) {
        switch (stride) {
            case 1: return write_row<1>;
            case 2: return write_row<2>;
            case 3: return write_row<3>;
            case 4: return write_row<4>;
            case 8: return write_row<8>;
            default: return nullptr;
        }
    }

    // to[i] = from[i % S · phase + i / S] for begin <= i < end: at least S vectors, aligned but for
    // the ends, which overlap. Prefetches what is written `next` cells on.
    template <int S>
    static void write_row(T* to, int64_t begin, int64_t end, const T* from, int64_t phase,
                          int64_t next) {
        const auto put = [&](int64_t i) {
            typename Lanes<T>::V v[S];
            const T* at = from + i / S;
            const int64_t first = i % S;
            for (int j = 0; j < S; ++j) {
                const int64_t p = first + j;
                v[j] = load(at + (p < S ? p * phase : (p - S) * phase + 1));
            }
            zip<T, S>(v);
            for (int j = 0; j < S; ++j) {
                store<T>(to + i + j * lanes, v[j]);
                __builtin_prefetch(to + i + j * lanes + next, 1);
            }
        };
        int64_t i = begin;
        if (!aligned(to + i)) {
            put(i);
            while (i < begin + lanes && !aligned(to + i)) ++i;
        }
        for (; i + S * lanes <= end; i += S * lanes) put(i);
        if (i < end) put(end - S * lanes);
    }

    const WinogradRecipe<T>& recipe_;
    const AxisTiling<T> (&axes_)[3];
    const int64_t stride_;
    const Shape& shape_;
    const TilePlan& plan_;
    const TileBlock& block_;
    const GroupTransform<T>* groups_;
    const std::vector<int64_t> &zs_, &ys_;  // phases of the first two axes
    const int64_t across_;                  // phases of the last axis
    const int64_t row_, phase_;             // cells of a row of all tiles, of all rows of a phase
    T *rows_, *planes_, *lines_;
    const T** phase_rows_;
};

}  // namespace tconv::TCONV_TARGET::winograd::position_lanes
