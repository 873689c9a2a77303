// The micro-kernel of transformed tiles times transformed weights, lanes along the columns.
#pragma once

#include "problem/cuts.hpp"

namespace tconv::TCONV_TARGET {

constexpr int tile_mr = TCONV_VECTOR_BYTES == 64 ? 12 : 6;  // rows of a register block
constexpr int tile_nr = 2;                                  // columns of it, in vectors

// An odd number of cache lines, so that rows this far apart do not meet in the same sets of a cache.
template <class T>
int64_t odd_lines(int64_t cells) {
    constexpr int64_t line = 64 / sizeof(T);
    return (ceil_div(cells, line) | 1) * line;
}

// c[m][n] = sum over channels of a[m][channel] * b[channel][n], added to c where `adds`.
template <class T>
struct TileProduct {
    int64_t channels, kc;  // of the sum, and of each KC block of it
    const T* a;
    int64_t a_row;
    const T* b;
    const T* prefetch;  // a cache line of it is prefetched for each channel
    T* c;
    int64_t c_row;
    bool adds;
};

template <class T, int M, int N>
void tile_kernel(const TileProduct<T>& p) {
    typedef typename Lanes<T>::V V;
    constexpr int lanes = Lanes<T>::count;
    const int64_t row = p.a_row;
    const T* a[(M + 2) / 3];  // every third row, so that few registers hold addresses
#pragma GCC unroll 4
    for (int i = 0; i < (M + 2) / 3; ++i) a[i] = p.a + 3 * i * row;
    const T *b = p.b, *prefetch = p.prefetch;
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) __builtin_prefetch(p.c + m * p.c_row + n * lanes, 1);
    for (int64_t done = 0; done < p.channels;) {
        const bool adds = p.adds || done > 0;
        const int64_t end = min(p.channels, done + p.kc);
        V sum[M][N];
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) sum[m][n] = V{};
        for (; done < end; ++done, b += N * lanes, prefetch += 64 / sizeof(T)) {
            V v[N];
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) v[n] = load<T>(b + n * lanes);
            __builtin_prefetch(prefetch);
#pragma GCC unroll 16
            for (int m = 0; m < M; ++m) {
                const V w = broadcast<T>(a[m / 3][m % 3 * row]);
#pragma GCC unroll 4
                for (int n = 0; n < N; ++n) sum[m][n] += w * v[n];
            }
#pragma GCC unroll 4
            for (int i = 0; i < (M + 2) / 3; ++i) ++a[i];
        }
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) {
                T* const to = p.c + m * p.c_row + n * lanes;
                store<T>(to, adds ? sum[m][n] + load<T>(to) : sum[m][n]);
            }
    }
}

template <class T, int N, int M = tile_mr>
void tile_kernel_of(const TileProduct<T>& p, int64_t rows) {
    if constexpr (M > 1)
        if (rows < M) return tile_kernel_of<T, N, M - 1>(p, rows);
    tile_kernel<T, M, N>(p);
}

// At most tile_mr rows, and one vector of columns or tile_nr.
template <class T>
TCONV_INLINE void tile_kernel_of(const TileProduct<T>& p, int64_t rows, int64_t vectors) {
    if (vectors == 1)
        tile_kernel_of<T, 1>(p, rows);
    else
        tile_kernel_of<T, tile_nr>(p, rows);
}

}  // namespace tconv::TCONV_TARGET
