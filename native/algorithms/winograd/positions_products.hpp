// The products with lanes along positions: transformed filters times transformed input.
#pragma once

#include "algorithms/winograd/positions_recipe.hpp"

namespace tconv::TCONV_TARGET::winograd::position_lanes {

template <class T>
using ProductKernel = void (*)(const TileProduct<T>&);

template <class T, int... I>
ProductKernel<T> product_kernel_of(int64_t rows, int64_t vectors,
                                   std::integer_sequence<int, I...>) {
    static constexpr ProductKernel<T> all[] = {
        tile_kernel<T, I / max_vectors + 1, I % max_vectors + 1, true>...};
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
                            {in, recipe.kc, a, 0, input + point * block.step + at, nullptr,
                             products + r * plane + at, plane, false, plane});
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
