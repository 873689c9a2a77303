// Winograd's short algorithms F(m, t) along one axis: m neighbouring outputs of t neighbouring
// taps, y_j = d_j·g_0 + ... + d_(j+t-1)·g_(t-1), by m + t - 1 products of transformed cells and taps.
//     F(m, 1)  the cells themselves
//     F(2, 2)  cells  d0-d1, d1, d2-d1              taps  g0, g0+g1, g1
//              outputs  p0+p1, p1+p2
//     F(3, 2)  cells  d0-d2, d1+d2, d2-d1, d1-d3    taps  g0, (g0+g1)/2, (g0-g1)/2, g1
//              outputs  p0+p1+p2, p1-p2, p1+p2-p3
//     F(2, 3)  cells as of F(3, 2)                  taps  g0, (g0+g1+g2)/2, (g0-g1+g2)/2, g2
//              outputs  p0+p1+p2, p1-p2-p3
// S. Winograd, Arithmetic Complexity of Computations (1980); Lavin & Gray, arXiv:1509.09308.
#pragma once

#include "gemm/micro_kernel.hpp"
#include "problem/phases.hpp"

namespace tconv::TCONV_TARGET {

// c[m][n] = sum over channels of a[channel][m] * b[channel·plane + n], N whole vectors of n,
// summed in chains of `longest`.
template <class T, int M, int N>
void short_product(int64_t channels, int64_t longest, const T* a, const T* b, int64_t plane, T* c,
                   int64_t row) {
    typedef typename Lanes<T>::V V;
    constexpr int64_t lanes = Lanes<T>::count;
    for (int64_t done = 0; done < channels;) {
        const bool first = done == 0;
        const int64_t end = channels - done > longest ? done + longest : channels;
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
using ShortProduct = void (*)(int64_t, int64_t, const T*, const T*, int64_t, T*, int64_t);

template <class T, int M>
ShortProduct<T> short_product_of(int64_t vectors) {
    if constexpr (max_vectors >= 3)
        if (vectors == 3) return short_product<T, M, 3>;
    if constexpr (max_vectors >= 2)
        if (vectors == 2) return short_product<T, M, 2>;
    return short_product<T, M, 1>;
}

template <class T>
ShortProduct<T> short_product_of(int64_t rows, int64_t vectors) {
    switch (rows) {
        case 1: return short_product_of<T, 1>(vectors);
        case 2: return short_product_of<T, 2>(vectors);
        case 3: return short_product_of<T, 3>(vectors);
        case 4: return short_product_of<T, 4>(vectors);
        case 5: return short_product_of<T, 5>(vectors);
        case 6: return short_product_of<T, 6>(vectors);
        case 7: return short_product_of<T, 7>(vectors);
        default: return short_product_of<T, 8>(vectors);
    }
}

// A pass along one axis over `outer` sets of whole vectors; steps lie between the cells (or parts)
// that are combined, and between sets.
template <class T>
struct Pass {
    const T* from;
    int64_t from_step, from_outer;
    T* to;
    int64_t to_step, to_outer;
    int64_t outer, vectors;
};

template <class T>
struct Finish {
    T bias;
    bool relu;
};

// Parts of some channels, whole vectors `step` apart, and where each output goes: null where to none.
template <class T>
struct Places {
    const T* from;
    int64_t step;
    T* to[5];
    const T* bias;
    int64_t channels;
    int64_t ahead;  // from an output to the one that is fetched
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

template <class T, int M, int Taps>
struct Short {
    typedef typename Lanes<T>::V V;
    static constexpr int parts = M + Taps - 1;
    static constexpr int kernels = Taps == 1 ? 1 : parts;  // transforms of the taps that differ
    static constexpr bool begins_plain = M != 4;  // the first of them is the first tap
    static constexpr int64_t lanes = Lanes<T>::count;
    typedef Points<M> P;

    static TCONV_INLINE void cells(const V* d, V* to) {
        if constexpr (Taps == 1) {
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
        } else if constexpr (parts == 3) {
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

    static TCONV_INLINE void outputs(const V* p, V* y) {
        if constexpr (Taps == 1) {
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
        } else if constexpr (parts == 3) {
            y[0] = p[0] + p[1];
            y[1] = p[1] + p[2];
        } else {
            const V sum = p[1] + p[2], difference = p[1] - p[2];
            y[0] = p[0] + sum;
            y[1] = Taps == 3 ? difference - p[3] : difference;
            if constexpr (M == 3) y[2] = sum - p[3];
        }
    }

    // The sum of the squares of a tile's cells.
    static TCONV_INLINE V norm(const V* d) {
        V sum = d[0] * d[0];
#pragma GCC unroll 6
        for (int e = 1; e < parts; ++e) sum += d[e] * d[e];
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

    // The last axis: cells of a tile lie side by side. Their squares are added to those of the tile.
    static void split(const Pass<T>& given, T* squares) {
        const Pass<T> pass = given;  // which no store can change
        for (int64_t i = 0; i < pass.vectors; ++i) {
            const T* row = pass.from + i * M * lanes;
            V d[4], to[parts];
            d[0] = cell<0>(row);
            if constexpr (parts > 1) d[1] = cell<1>(row);
            if constexpr (parts > 2) d[2] = cell<2>(row);
            if constexpr (parts > 3) d[3] = cell<3>(row);
            store<T>(squares + i * lanes, load(squares + i * lanes) + norm(d));
            cells(d, to);
            for (int e = 0; e < parts; ++e) store<T>(pass.to + e * pass.to_step + i * lanes, to[e]);
        }
    }

    // Cells wherever they lie, whole vectors of channels of each; what lies `ahead` is fetched.
    // Returns the sum of their squares.
    static V pick(const T* const* from, int64_t ahead, T* to, int64_t to_step, int64_t vectors) {
        V squares{};
        const T* at[parts];
        for (int e = 0; e < parts; ++e) at[e] = from[e];
        for (int64_t i = 0; i < vectors; ++i) {
            V d[parts], u[parts];
            for (int e = 0; e < parts; ++e) {
                d[e] = load(at[e] + i * lanes);
                __builtin_prefetch(at[e] + i * lanes + ahead);
            }
            squares += norm(d);
            cells(d, u);
            for (int e = 0; e < parts; ++e) store<T>(to + e * to_step + i * lanes, u[e]);
        }
        return squares;
    }

    static void forth(const Pass<T>& given) {
        const Pass<T> pass = given;  // which no store can change
        for (int64_t o = 0; o < pass.outer; ++o)
            for (int64_t i = 0; i < pass.vectors; ++i) {
                const T* from = pass.from + o * pass.from_outer + i * lanes;
                T* to = pass.to + o * pass.to_outer + i * lanes;
                V d[parts], u[parts];
                for (int e = 0; e < parts; ++e) d[e] = load(from + e * pass.from_step);
                cells(d, u);
                for (int e = 0; e < parts; ++e) store<T>(to + e * pass.to_step, u[e]);
            }
    }

    static void back(const Pass<T>& given) {
        const Pass<T> pass = given;  // which no store can change
        for (int64_t o = 0; o < pass.outer; ++o)
            for (int64_t i = 0; i < pass.vectors; ++i) {
                const T* from = pass.from + o * pass.from_outer + i * lanes;
                T* to = pass.to + o * pass.to_outer + i * lanes;
                V p[parts], y[M];
                for (int e = 0; e < parts; ++e) p[e] = load(from + e * pass.from_step);
                outputs(p, y);
                for (int m = 0; m < M; ++m) store<T>(to + m * pass.to_step, y[m]);
            }
    }

    // The last axis: channels of every output to where they lie.
    static void put(const Places<T>& given) {
        // read one by one, as they were stored just now: a wide load would wait for the stores
        const volatile Places<T>& each = given;
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
            V v[parts];
            for (int e = 0; e < parts; ++e) v[e] = load(from + e * step + c);
            outputs(v, y);
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

    // The last axis: outputs of a tile are laid side by side.
    static void join(const Pass<T>& given, const Finish<T>& finish) {
        const Pass<T> pass = given;
        const V bias = broadcast<T>(finish.bias);
        const bool relu = finish.relu;
        for (int64_t o = 0; o < pass.outer; ++o)
            for (int64_t i = 0; i < pass.vectors; ++i) {
                const T* from = pass.from + o * pass.from_outer + i * lanes;
                T* to = pass.to + o * pass.to_outer + i * M * lanes;
                V p[parts], y[M];
                for (int e = 0; e < parts; ++e) p[e] = load(from + e * pass.from_step);
                outputs(p, y);
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

    // Taps of max_rows rows: [outer][tap][inner][row] to [outer][kernel][inner][row].
    static void taps(const Column<T>* from, Column<T>* to, int64_t outer, int64_t inner) {
        for (int64_t o = 0; o < outer; ++o)
            for (int64_t i = 0; i < inner; ++i) {
                const Column<T>* g = from + o * Taps * inner + i;
                Column<T>* p = to + o * kernels * inner + i;
                if constexpr (Taps == 1) {
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
                } else if constexpr (parts == 3) {
                    p[0] = g[0];
                    p[inner] = g[0] + g[inner];
                    p[2 * inner] = g[inner];
                } else {
                    const Column<T> far = g[(Taps - 1) * inner], middle = g[inner];
                    const Column<T> ends = Taps == 3 ? g[0] + far : g[0];
                    p[0] = g[0];
                    p[inner] = (ends + middle) * T(0.5);
                    p[2 * inner] = (ends - middle) * T(0.5);
                    p[3 * inner] = far;
                }
            }
    }
};

// One of them as a table of functions.
template <class T>
struct Form {
    int64_t m, taps, parts, kernels;
    bool begins_plain;  // as the last kernel is the last tap, whether the first is the first
    void (*split)(const Pass<T>&, T*);
    typename Lanes<T>::V (*pick)(const T* const*, int64_t, T*, int64_t, int64_t);
    void (*forth)(const Pass<T>&);
    void (*back)(const Pass<T>&);
    void (*put)(const Places<T>&);
    void (*join)(const Pass<T>&, const Finish<T>&);
    void (*transform_taps)(const Column<T>*, Column<T>*, int64_t, int64_t);
};

template <class T, int M, int Taps>
Form<T> made_form() {
    typedef Short<T, M, Taps> S;
    Form<T> form{M, Taps, S::parts, S::kernels, S::begins_plain, nullptr,
                 S::pick, S::forth, S::back, S::put, nullptr, S::taps};
    if constexpr (M <= 3) {
        form.split = S::split;
        form.join = S::join;
    }
    return form;
}

template <class T, int M, int Taps>
const Form<T>* short_form() {
    static const Form<T> form = made_form<T, M, Taps>();
    return &form;
}

template <class T>
const Form<T>* form_of(int64_t m, int64_t taps) {
    if (taps == 1 && m == 1) return short_form<T, 1, 1>();
    if (taps == 1 && m == 2) return short_form<T, 2, 1>();
    if (taps == 1 && m == 3) return short_form<T, 3, 1>();
    if (taps == 1 && m == 4) return short_form<T, 4, 1>();
    if (taps == 1 && m == 5) return short_form<T, 5, 1>();
    if (taps == 2 && m == 2) return short_form<T, 2, 2>();
    if (taps == 2 && m == 3) return short_form<T, 3, 2>();
    if (taps == 2 && m == 4) return short_form<T, 4, 2>();
    if (taps == 2 && m == 5) return short_form<T, 5, 2>();
    if (taps == 3 && m == 2) return short_form<T, 2, 3>();
    return nullptr;
}

// Taps of max_rows rows transformed along all three axes, in one of two arrays that are both written.
template <class T>
Column<T>* transform_taps(const Form<T>* const* forms, Column<T>* taps, Column<T>* spare) {
    int64_t outer = 1, inner = forms[0]->taps * forms[1]->taps * forms[2]->taps;
    for (int a = 0; a < 3; ++a) {
        inner /= forms[a]->taps;
        if (forms[a]->taps > 1) {
            forms[a]->transform_taps(taps, spare, outer, inner);
            std::swap(taps, spare);
        }
        outer *= forms[a]->kernels;
    }
    return taps;
}

// What the phases of one share are made by.
template <class T>
struct Piece {
    const Form<T>* form;
    int64_t base;   // first cell of a tile that it reads
    int64_t first;  // of its parts among those of the axis
    int64_t repeats = 1;  // of the form, one next to the other, whose products are added up
};

// One axis: m positions a tile, the same for all shares.
template <class T>
struct WinogradAxis {
    int64_t m = 0, parts = 0, cells = 0;  // cells of the input that a tile reads
    std::vector<Piece<T>> pieces;         // of each share
    bool plain() const { return cells == 1; }

    // Of tiles of `pairs` positions where pairs of taps are the most; empty where the taps are not
    // neighbours, or more than three and `repeated` is false.
    static WinogradAxis of(const AxisGroups& shares, bool repeated = false, int64_t pairs = 3) {
        int64_t most = 1;
        for (const AxisGroup& share : shares.groups) {
            const int64_t taps = static_cast<int64_t>(share.offsets.size());
            if (share.offsets.back() - share.offsets.front() != taps - 1) return {};
            if (taps > 3 && !repeated) return {};
            most = taps > most ? taps : most;
        }
        WinogradAxis axis;
        axis.m = most == 1 ? 1 : most == 3 ? 2 : pairs;
        axis.cells = axis.m + shares.high - shares.low;
        for (const AxisGroup& share : shares.groups) {
            const int64_t taps = static_cast<int64_t>(share.offsets.size());
            const int64_t repeats = most > 3 ? (taps + 1) / 2 : 1;
            const Form<T>* form = form_of<T>(axis.m, repeats > 1 ? 2 : taps);
            axis.pieces.push_back({form, shares.high - share.offsets.back(), axis.parts, repeats});
            axis.parts += form->parts;
            const int64_t reach = axis.pieces.back().base + repeats * form->taps + axis.m - 1;
            axis.cells = reach > axis.cells ? reach : axis.cells;
        }
        return axis;
    }
};

}  // namespace tconv::TCONV_TARGET
