// The products with lanes along positions: transformed filters times transformed input.
#pragma once

#include "algorithms/winograd/positions_recipe.hpp"

namespace tconv::TCONV_TARGET::winograd::position_lanes {

// c[m][n] = sum over channels of a[channel][m] * b[channel·plane + n], N whole vectors of n, in KC
// blocks.
template <class T, int M, int N>
void product_kernel(int64_t channels, int64_t kc, const T* a, const T* b, int64_t plane, T* c,
                    int64_t row) {
    typedef typename Lanes<T>::V V;
    constexpr int64_t lanes = Lanes<T>::count;
    for (int64_t done = 0; done < channels;) {
        const bool first = done == 0;
        const int64_t end = channels - done > kc ? done + kc : channels;
        V sum[M][N];
#pragma GCC unroll 8
        for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) sum[m][n] = V{};
        for (; done < end; ++done, a += M, b += plane) {
            V v[N];
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) v[n] = load<T>(b + n * lanes);
#pragma GCC unroll 8
            for (int m = 0; m < M; ++m) {
                const V w = broadcast<T>(a[m]);
#pragma GCC unroll 4
                for (int n = 0; n < N; ++n) sum[m][n] += w * v[n];
            }
        }
#pragma GCC unroll 8
        for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) {
                T* const at = c + m * row + n * lanes;
                store<T>(at, first ? sum[m][n] : sum[m][n] + load<T>(at));
            }
    }
}

template <class T>
using ProductKernel = void (*)(int64_t, int64_t, const T*, const T*, int64_t, T*, int64_t);

template <class T, int... I>
ProductKernel<T> product_kernel_of(int64_t rows, int64_t vectors,
                                   std::integer_sequence<int, I...>) {
    static constexpr ProductKernel<T> all[] = {
        product_kernel<T, I / max_vectors + 1, I % max_vectors + 1>...};
    return all[(rows - 1) * max_vectors + vectors - 1];
}

// The products of a phase group and a channel block at all of the group's points, `step` apart: the
// sums of `rows` outputs of each tile. Returns the end of the weights that they take.
template <class T>
const T* multiply(const WinogradRecipe<T>& recipe, const TileBlock& block,
                  const GroupTransform<T>& group, int64_t rows, int64_t step, const T* weights,
                  const T* input, T* products) {
    constexpr int64_t lanes = Lanes<T>::count;
    constexpr auto kernels = std::make_integer_sequence<int, max_rows * max_vectors>();
    const int64_t in = recipe.phases.in, plane = block.plane;
    const AxisTransform<T>*const z = &group.axes[0], *const y = z + 1, *const x = z + 2;
    const auto filter = [](const Fmr<T>& fmr, int64_t e) { return fmr.filters == 1 ? 0 : e; };
    for (int64_t ez = 0; ez < z->fmr->points; ++ez)
        for (int64_t ey = 0; ey < y->fmr->points; ++ey)
            for (int64_t ex = 0; ex < x->fmr->points; ++ex, products += step) {
                const int64_t point =
                    ((z->first_point + ez) * recipe.axes[1].points + y->first_point + ey) *
                        recipe.axes[2].points + x->first_point + ex;
                const int64_t taken = (filter(*z->fmr, ez) * y->fmr->filters +
                                       filter(*y->fmr, ey)) * x->fmr->filters +
                                      filter(*x->fmr, ex);
                const T* a = weights + taken * rows * in;
                for (int64_t r = 0; r < rows;) {
                    const int64_t height = block_rows(rows, r);
                    // in equal shares: not by one vector where there are several
                    int64_t vectors = plane / lanes, at = 0;
                    for (int64_t left = ceil_div(vectors, max_vectors); left > 0; --left) {
                        const int64_t now = ceil_div(vectors, left);
                        product_kernel_of<T>(height, now, kernels)(
                            in, recipe.kc, a, input + point * block.step + at, plane,
                            products + r * plane + at, plane);
                        at += now * lanes;
                        vectors -= now;
                    }
                    a += in * height;
                    r += height;
                }
            }
    return weights + group.filters * rows * in;
}

}  // namespace tconv::TCONV_TARGET::winograd::position_lanes
