// The product of transformed tiles and the columns of transformed weights, lanes along columns.
#pragma once

#include "problem/cuts.hpp"

namespace tconv::TCONV_TARGET {

constexpr int tile_rows = TCONV_VECTOR_BYTES == 64 ? 12 : 6;  // tiles of a register block
constexpr int tile_columns = 2;                  // its columns, in vectors

// Products of some tiles and columns: c[m][n] += sum over channels of x[m][channel] * w[channel][n].
template <class T>
struct TileProduct {
    int64_t channels, longest;  // of a sum, and of a chain of it
    const T* x;
    int64_t x_row;
    const T* w;
    const T* next;  // weights that are asked for, a cache line a channel
    T* c;
    int64_t c_row;
    bool adds;  // to what stands in c
};

template <class T, int M, int N>
void tile_product(const TileProduct<T>& p) {
    typedef typename Lanes<T>::V V;
    constexpr int lanes = Lanes<T>::count;
    const int64_t row = p.x_row;
    const T* at[(M + 2) / 3];  // of every third row, so that few registers hold addresses
#pragma GCC unroll 4
    for (int i = 0; i < (M + 2) / 3; ++i) at[i] = p.x + 3 * i * row;
    const T *w = p.w, *next = p.next;
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) __builtin_prefetch(p.c + m * p.c_row + n * lanes, 1);
    for (int64_t done = 0; done < p.channels;) {
        const bool adds = p.adds || done > 0;
        const int64_t end = min(p.channels, done + p.longest);
        V sum[M][N];
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) sum[m][n] = V{};
        for (; done < end; ++done, w += N * lanes, next += 64 / sizeof(T)) {
            V v[N];
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) v[n] = load<T>(w + n * lanes);
            __builtin_prefetch(next);
#pragma GCC unroll 16
            for (int m = 0; m < M; ++m) {
                const V b = broadcast<T>(at[m / 3][m % 3 * row]);
#pragma GCC unroll 4
                for (int n = 0; n < N; ++n) sum[m][n] += b * v[n];
            }
#pragma GCC unroll 4
            for (int i = 0; i < (M + 2) / 3; ++i) ++at[i];
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

template <class T, int N, int M = tile_rows>
void tile_product(const TileProduct<T>& p, int64_t rows) {
    if constexpr (M > 1)
        if (rows < M) return tile_product<T, N, M - 1>(p, rows);
    tile_product<T, M, N>(p);
}

}  // namespace tconv::TCONV_TARGET
