// Winograd's minimal filtering F(m, r) along one axis: m neighbouring outputs of r neighbouring taps,
// y_j = d_j·g_0 + ... + d_(j+r-1)·g_(r-1), by products at m + r - 1 interpolation points of the
// transformed input and the transformed filter.
//     F(m, 1)  the input itself
//     F(2, 2)  input   d0-d1, d1, d2-d1              filter  g0, g0+g1, g1
//              output  p0+p1, p1+p2
//     F(3, 2)  input   d0-d2, d1+d2, d2-d1, d1-d3    filter  g0, (g0+g1)/2, (g0-g1)/2, g1
//              output  p0+p1+p2, p1-p2, p1+p2-p3
//     F(2, 3)  input   as of F(3, 2)                 filter  g0, (g0+g1+g2)/2, (g0-g1+g2)/2, g2
//              output  p0+p1+p2, p1-p2-p3
// S. Winograd, Arithmetic Complexity of Computations (1980); Lavin & Gray, arXiv:1509.09308.
#pragma once

#include "epilogue.hpp"
#include "gemm/micro_kernel.hpp"

namespace tconv::TCONV_TARGET::winograd {

// A pass along one axis over `outer` sets of whole vectors; steps lie between the cells (or points)
// that are combined, and between sets.
template <class T>
struct TransformPass {
    const T* from;
    int64_t from_step, from_outer;
    T* to;
    int64_t to_step, to_outer;
    int64_t outer, vectors;
};

// The points of some channels, whole vectors `step` apart, and where the channels of each output go:
// null where to none.
template <class T>
struct PixelOutputs {
    const T* from;
    int64_t step;
    T* to[5];
    const T* bias;
    int64_t channels;
    int64_t ahead;  // from an output to the one that is prefetched
    bool relu, nontemporal;
};

// A number of each of max_rows rows.
template <class T>
struct ColumnOf {
    typedef T type
        __attribute__((vector_size(max_rows * sizeof(T)), aligned(alignof(T)), may_alias));
};
template <class T>
using Column = typename ColumnOf<T>::type;

// Points other than 0 and infinity at which F(4,2) and F(5,2) evaluate, a, -a, b and -b: near those
// whose rounding errors, for independent numbers, are the least (1.3 and 1.8 times those of F(3,2)).
template <int M>
struct Points {
    static constexpr double a = M == 4 ? 0.375 : 0.6875, b = M == 4 ? 1.25 : 1.4375;
    static constexpr double aa = a * a, bb = b * b;
};

template <class T, int M, int R>
struct Transforms {
    typedef typename Lanes<T>::V V;
    static constexpr int points = M + R - 1;
    static constexpr int filters = R == 1 ? 1 : points;  // points at which the filter differs
    static constexpr bool has_zero = M != 4;  // point 0, at which the filter is its first tap
    static constexpr int64_t lanes = Lanes<T>::count;
    typedef Points<M> P;

    static TCONV_INLINE void input_of(const V* d, V* to) {
        if constexpr (R == 1) {
            for (int i = 0; i < M; ++i) to[i] = d[i];
        } else if constexpr (M >= 4) {
            const V* const e = d + M - 4;  // the powers of x from 1 on, where 0 is a point
            const V near_even = e[2] - T(P::bb) * e[0], near_odd = e[3] - T(P::bb) * e[1];
            const V far_even = e[2] - T(P::aa) * e[0], far_odd = e[3] - T(P::aa) * e[1];
            V* const finite = to + M - 4;
            finite[0] = near_odd + T(P::a) * near_even;
            finite[1] = near_odd - T(P::a) * near_even;
            finite[2] = far_odd + T(P::b) * far_even;
            finite[3] = far_odd - T(P::b) * far_even;
            finite[4] = e[4] - T(P::aa + P::bb) * e[2] + T(P::aa * P::bb) * e[0];
            if constexpr (M == 5)
                to[0] = d[4] - T(P::aa + P::bb) * d[2] + T(P::aa * P::bb) * d[0];
        } else if constexpr (points == 3) {
            to[0] = d[0] - d[1];
            to[1] = d[1];
            to[2] = d[2] - d[1];
        } else {
            to[0] = d[0] - d[2];
            to[1] = d[1] + d[2];
            to[2] = d[2] - d[1];
            to[3] = d[1] - d[3];
        }
    }

    static TCONV_INLINE void output_of(const V* p, V* y) {
        if constexpr (R == 1) {
            for (int i = 0; i < M; ++i) y[i] = p[i];
        } else if constexpr (M >= 4) {
            const V* const f = p + M - 4;
            const V near_sum = f[0] + f[1], near_difference = f[0] - f[1];
            const V far_sum = f[2] + f[3], far_difference = f[2] - f[3];
            y[0] = near_sum + far_sum;
            if constexpr (M == 5) y[0] += T(1 / (P::aa * P::bb)) * p[0];
            y[1] = T(P::a) * near_difference + T(P::b) * far_difference;
            y[2] = T(P::aa) * near_sum + T(P::bb) * far_sum;
            y[3] = T(P::aa * P::a) * near_difference + T(P::bb * P::b) * far_difference;
            if constexpr (M == 5) y[4] = T(P::aa * P::aa) * near_sum + T(P::bb * P::bb) * far_sum;
            y[M - 1] += f[4];
        } else if constexpr (points == 3) {
            y[0] = p[0] + p[1];
            y[1] = p[1] + p[2];
        } else {
            const V sum = p[1] + p[2], difference = p[1] - p[2];
            y[0] = p[0] + sum;
            y[1] = R == 3 ? difference - p[3] : difference;
            if constexpr (M == 3) y[2] = sum - p[3];
        }
    }

    // The sum of the squares of a tile's cells.
    static TCONV_INLINE V norm(const V* d) {
        V sum = d[0] * d[0];
#pragma GCC unroll 6
        for (int e = 1; e < points; ++e) sum += d[e] * d[e];
        return sum;
    }

    // Cell i of every tile of a row, from cell l·M + i of it.
    template <int I>
    static TCONV_INLINE V cell(const T* row) {
        const T* at = row + I / M * M;
        if constexpr (M == 1) return load(at);
        if constexpr (M == 2) return every_second<T, I % 2>(load(at), load(at + lanes));
        if constexpr (M == 3)
            return every_third<T, I % 3>(load(at), load(at + lanes), load(at + 2 * lanes));
    }

    // Transforms so many vectors to so many.
    template <int from_count, int to_count, class F>
    static TCONV_INLINE void each_vector(const TransformPass<T>& given, const F& transform) {
        const TransformPass<T> pass = given;  // which no store can change
        for (int64_t o = 0; o < pass.outer; ++o)
            for (int64_t i = 0; i < pass.vectors; ++i) {
                const T* from = pass.from + o * pass.from_outer + i * lanes;
                T* to = pass.to + o * pass.to_outer + i * lanes;
                V v[from_count], u[to_count];
                for (int e = 0; e < from_count; ++e) v[e] = load(from + e * pass.from_step);
                transform(v, u);
                for (int e = 0; e < to_count; ++e) store<T>(to + e * pass.to_step, u[e]);
            }
    }

    // The last axis, where the cells of a tile lie side by side. Adds their squares to those of the
    // tile.
    static void input_row(const TransformPass<T>& given, T* squares) {
        const TransformPass<T> pass = given;  // which no store can change
        for (int64_t i = 0; i < pass.vectors; ++i) {
            const T* row = pass.from + i * M * lanes;
            V d[4], to[points];
            d[0] = cell<0>(row);
            if constexpr (points > 1) d[1] = cell<1>(row);
            if constexpr (points > 2) d[2] = cell<2>(row);
            if constexpr (points > 3) d[3] = cell<3>(row);
            store<T>(squares + i * lanes, load(squares + i * lanes) + norm(d));
            input_of(d, to);
            for (int e = 0; e < points; ++e) store<T>(pass.to + e * pass.to_step + i * lanes, to[e]);
        }
    }

    // Cells wherever they lie, whole vectors of channels of each; prefetches what lies `ahead`.
    // Returns the sum of their squares.
    static V input_pixels(const T* const* from, int64_t ahead, T* to, int64_t to_step,
                          int64_t vectors) {
        V squares{};
        const T* at[points];
        for (int e = 0; e < points; ++e) at[e] = from[e];
        for (int64_t i = 0; i < vectors; ++i) {
            V d[points], u[points];
            for (int e = 0; e < points; ++e) {
                d[e] = load(at[e] + i * lanes);
                __builtin_prefetch(at[e] + i * lanes + ahead);
            }
            squares += norm(d);
            input_of(d, u);
            for (int e = 0; e < points; ++e) store<T>(to + e * to_step + i * lanes, u[e]);
        }
        return squares;
    }

    static void input(const TransformPass<T>& pass) {
        each_vector<points, points>(pass, [](const V* d, V* to) TCONV_INLINED { input_of(d, to); });
    }

    static void output(const TransformPass<T>& pass) {
        each_vector<points, M>(pass, [](const V* p, V* y) TCONV_INLINED { output_of(p, y); });
    }

    // The last axis: the channels of every output to where they lie.
    static void output_pixels(const PixelOutputs<T>& given) {
        // read field by field: a wide load of what was just stored is a store-forwarding stall
        const volatile PixelOutputs<T>& each = given;
        const T *const from = each.from, *const biases = each.bias;
        const int64_t step = each.step, channels = each.channels, ahead = each.ahead;
        const bool relu = each.relu;
        bool nontemporal = each.nontemporal;
        T* at[M];
        for (int m = 0; m < M; ++m) {
            at[m] = each.to[m];
            nontemporal = nontemporal && aligned(at[m]);
        }
        const auto outputs_of = [&](int64_t c, V* y) TCONV_INLINED {
            V v[points];
            for (int e = 0; e < points; ++e) v[e] = load(from + e * step + c);
            output_of(v, y);
            const V bias = load(biases + c);
            for (int m = 0; m < M; ++m) {
                y[m] += bias;
                if (relu) y[m] = rectified(y[m]);
            }
        };
        int64_t c = 0;
        for (; c + lanes <= channels; c += lanes) {
            V y[M];
            outputs_of(c, y);
            for (int m = 0; m < M; ++m) {
                if (!at[m]) continue;
                if (nontemporal) {
                    store_nontemporal<T>(at[m] + c, y[m]);
                } else {
                    store<T>(at[m] + c, y[m]);
                    __builtin_prefetch(at[m] + c + ahead, 1);
                }
            }
        }
        if (c == channels) return;
        V y[M];
        outputs_of(c, y);
        for (int m = 0; m < M; ++m)
            if (at[m]) store_first<T>(at[m] + c, y[m], channels - c);
    }

    // The last axis, where the outputs of a tile are laid side by side.
    static void output_row(const TransformPass<T>& given, T given_bias,
                           const Epilogue<T>& epilogue) {
        const TransformPass<T> pass = given;
        const V bias = broadcast<T>(given_bias);
        const bool relu = epilogue.relu();
        for (int64_t o = 0; o < pass.outer; ++o)
            for (int64_t i = 0; i < pass.vectors; ++i) {
                const T* from = pass.from + o * pass.from_outer + i * lanes;
                T* to = pass.to + o * pass.to_outer + i * M * lanes;
                V p[points], y[M];
                for (int e = 0; e < points; ++e) p[e] = load(from + e * pass.from_step);
                output_of(p, y);
                for (int m = 0; m < M; ++m) {
                    y[m] += bias;
                    if (relu) y[m] = rectified(y[m]);
                }
                if constexpr (M == 3) {
                    store<T>(to, interleaved<T, 0>(y[0], y[1], y[2]));
                    store<T>(to + lanes, interleaved<T, 1>(y[0], y[1], y[2]));
                    store<T>(to + 2 * lanes, interleaved<T, 2>(y[0], y[1], y[2]));
                } else {
                    interleave<T, M>(y);
                    for (int m = 0; m < M; ++m) store<T>(to + m * lanes, y[m]);
                }
            }
    }

    // The filters of max_rows rows: [outer][tap][inner][row] to [outer][point][inner][row].
    static void filter(const Column<T>* from, Column<T>* to, int64_t outer, int64_t inner) {
        for (int64_t o = 0; o < outer; ++o)
            for (int64_t i = 0; i < inner; ++i) {
                const Column<T>* g = from + o * R * inner + i;
                Column<T>* p = to + o * filters * inner + i;
                if constexpr (R == 1) {
                    p[0] = g[0];
                } else if constexpr (M >= 4) {
                    // at a point x, over the products of its distances to the others
                    constexpr double apart = P::aa - P::bb;
                    constexpr double near = M == 4 ? 0.5 / (P::a * apart) : 0.5 / (P::aa * apart);
                    constexpr double far = M == 4 ? -0.5 / (P::b * apart) : -0.5 / (P::bb * apart);
                    constexpr double sign = M == 4 ? -1 : 1;
                    const Column<T> one = g[0], two = g[inner];
                    if constexpr (M == 5) p[0] = one;
                    Column<T>* const f = p + (M - 4) * inner;
                    f[0] = (one + T(P::a) * two) * T(near);
                    f[inner] = (one - T(P::a) * two) * T(sign * near);
                    f[2 * inner] = (one + T(P::b) * two) * T(far);
                    f[3 * inner] = (one - T(P::b) * two) * T(sign * far);
                    f[4 * inner] = two;
                } else if constexpr (points == 3) {
                    p[0] = g[0];
                    p[inner] = g[0] + g[inner];
                    p[2 * inner] = g[inner];
                } else {
                    const Column<T> far = g[(R - 1) * inner], middle = g[inner];
                    const Column<T> ends = R == 3 ? g[0] + far : g[0];
                    p[0] = g[0];
                    p[inner] = (ends + middle) * T(0.5);
                    p[2 * inner] = (ends - middle) * T(0.5);
                    p[3 * inner] = far;
                }
            }
    }
};

// F(m, r) as a table of functions.
template <class T>
struct Fmr {
    int64_t m, r, points, filters;
    bool has_zero;  // whether the first filter is the first tap, as the last is the last tap
    void (*input_row)(const TransformPass<T>&, T* squares);
    typename Lanes<T>::V (*input_pixels)(const T* const* from, int64_t ahead, T* to,
                                         int64_t to_step, int64_t vectors);
    void (*input)(const TransformPass<T>&);
    void (*output)(const TransformPass<T>&);
    void (*output_pixels)(const PixelOutputs<T>&);
    void (*output_row)(const TransformPass<T>&, T bias, const Epilogue<T>&);
    void (*filter)(const Column<T>* from, Column<T>* to, int64_t outer, int64_t inner);
};

template <class T, int M, int R>
Fmr<T> make_fmr() {
    typedef Transforms<T, M, R> F;
    Fmr<T> fmr{M, R, F::points, F::filters, F::has_zero, nullptr,
               F::input_pixels, F::input, F::output, F::output_pixels, nullptr, F::filter};
    if constexpr (M <= 3) {
        fmr.input_row = F::input_row;
        fmr.output_row = F::output_row;
    }
    return fmr;
}

template <class T, int M, int R>
const Fmr<T>* known_fmr() {
    static const Fmr<T> fmr = make_fmr<T, M, R>();
    return &fmr;
}

// Null where F(m, r) is not defined.
template <class T>
const Fmr<T>* fmr_of(int64_t m, int64_t r) {
    static const Fmr<T>* const all[] = {
        known_fmr<T, 1, 1>(), known_fmr<T, 2, 1>(), known_fmr<T, 3, 1>(), known_fmr<T, 4, 1>(),
        known_fmr<T, 5, 1>(), known_fmr<T, 2, 2>(), known_fmr<T, 3, 2>(), known_fmr<T, 4, 2>(),
        known_fmr<T, 5, 2>(), known_fmr<T, 2, 3>()};
    for (const Fmr<T>* const fmr : all)
        if (fmr->m == m && fmr->r == r) return fmr;
    return nullptr;
}

// The filters of max_rows rows transformed along all three axes, in one of two arrays that are both
// written.
template <class T>
Column<T>* transform_filter(const Fmr<T>* const* fmr, Column<T>* taps, Column<T>* spare) {
    int64_t outer = 1, inner = fmr[0]->r * fmr[1]->r * fmr[2]->r;
    for (int a = 0; a < 3; ++a) {
        inner /= fmr[a]->r;
        if (fmr[a]->r > 1) {
            fmr[a]->filter(taps, spare, outer, inner);
            std::swap(taps, spare);
        }
        outer *= fmr[a]->filters;
    }
    return taps;
}

}  // namespace tconv::TCONV_TARGET::winograd
