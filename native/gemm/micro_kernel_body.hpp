// The body of the micro-kernels, and tables of them for each number of vectors.
#pragma once

#include "gemm/micro_kernel.hpp"
#include "simd/activations.hpp"

namespace tconv::TCONV_TARGET {

// Rows first, ..., end - 1, which some taps enter: so many, where the compiler knows.
template <int first, int end, int taps = 0>
struct Run {};

// Adds a tap of one channel to the rows of a run.
template <class T, int M, int N, int first, int end>
TCONV_INLINE void add_tap(typename Lanes<T>::V (&sum)[M][N], const T* a, const T* at,
                          int64_t plane) {
    constexpr int lanes = Lanes<T>::count;
    typedef typename Lanes<T>::V V;
    V v[N];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
        v[n] = load<T>(at + n * lanes);
        if constexpr (M > 2 && first == 0) __builtin_prefetch(at + 2 * plane + n * lanes);
    }
#pragma GCC unroll 16
    for (int m = first; m < end; ++m) {
        const V w = broadcast<T>(a[m - first]);
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) sum[m][n] += w * v[n];
    }
}

// Adds the taps of a run; leaves weights and offsets after them.
template <class T, int M, int N, int first, int end, int known>
TCONV_INLINE void add_run(Run<first, end, known>, typename Lanes<T>::V (&sum)[M][N], const T*& a,
                          const T* b, const int32_t*& offset, int64_t taps, int64_t plane) {
    if constexpr (known > 0) {
        each<known>([&](auto tap) TCONV_INLINED {
            add_tap<T, M, N, first, end>(sum, a + tap * (end - first), b + offset[tap], plane);
        });
        a += known * (end - first);
        offset += known;
    } else {
        for (int64_t tap = 0; tap < taps; ++tap, a += end - first)
            add_tap<T, M, N, first, end>(sum, a, b + offset[tap], plane);
        offset += taps;
    }
}

template <class T, int M, int N, class... Runs>
void micro(const Product<T>& p) {
    constexpr int lanes = Lanes<T>::count;
    typedef typename Lanes<T>::V V;
    V sum[M][N];
    for (int m = 0; m < M; ++m)
        for (int n = 0; n < N; ++n)
            sum[m][n] = broadcast<T>(p.start[m]);
    const T* a = p.a;
    const T* b = p.b;
    const int64_t taps = p.taps, plane = p.plane;
    const T* ahead = p.ahead;
    constexpr int64_t block = kc / 2;  // keeps the error below twice that of a BLAS
    const int64_t at_once = taps < block ? block / taps : 1;
    for (int64_t done = 0; done < p.channels;) {
        const int64_t end = p.channels - done > at_once ? done + at_once : p.channels;
        const bool first = done == 0, last = end == p.channels;
        for (; done < end; ++done, b += plane) {
            if (ahead) {
#pragma GCC unroll 8
                for (int n = 0; n < N; ++n) __builtin_prefetch(ahead + n * lanes, 0, 2);
                ahead += p.ahead_plane;
            }
            const int32_t* offset = p.offset;
            if constexpr (sizeof...(Runs) == 0) {
                add_run<T, M, N>(Run<0, M>(), sum, a, b, offset, taps, plane);
            } else {
                const int64_t* runs = p.runs;
                (add_run<T, M, N>(Runs(), sum, a, b, offset, *runs++, plane), ...);
            }
        }
        for (int m = 0; m < M; ++m)
            for (int n = 0; n < N; ++n) {
                T* const c = p.c + m * p.row + n * lanes;
                V v = sum[m][n];
                if (!first || p.adds) v += load<T>(c);
                if (last && p.relu) v = rectified(v);
                store<T>(c, v);
                sum[m][n] = V{};
            }
    }
}

template <class T, int M, int... first, int... end, int... taps, int... N>
constexpr Kernel<T> make_kernel(std::integer_sequence<int, N...>, Run<first, end, taps>...) {
    constexpr int runs = sizeof...(first);
    if constexpr (runs == 0)
        return {M, sizeof...(N), 1, {0}, {M}, {micro<T, M, N + 1>...}};
    else
        return {M,          sizeof...(N), runs,
                {first...}, {end...},     {micro<T, M, N + 1, Run<first, end, taps>...>...}};
}

template <class T, int M, class... Runs>
constexpr Kernel<T> kernel_with =
    make_kernel<T, M>(std::make_integer_sequence<int, vectors_beside(M)>(), Runs()...);

}  // namespace tconv::TCONV_TARGET
