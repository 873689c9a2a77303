// The register-blocked product at the heart of everything:
//     c[m][n] = start[m] + sum over channels and taps of a[channel][tap][m] * b[channel·plane + offset[tap] + n]
#pragma once

#include "activations.hpp"

namespace tconv::TCONV_TARGET {

constexpr int max_rows = 8;
constexpr int max_vectors = TCONV_VECTOR_BYTES == 64 ? 3 : 1 + (TCONV_VECTOR_BYTES == 32);

// Products summed in one chain; longer sums are cut, so that rounding errors do not pile up.
constexpr int64_t longest_sum = 256;

template <class T>
struct Product {
    int64_t channels, taps, plane;
    const int32_t* offset;
    const T* a;
    const T* b;
    T* c;
    int64_t row;     // distance between rows of c
    const T* start;  // a value a row to begin from: the bias
    bool relu;
    bool adds = false;  // to what stands in c
};

template <class T, int M, int N>
void micro(const Product<T>& p) {
    constexpr int lanes = Lanes<T>::count;
    typedef typename Lanes<T>::V V;
    V sum[M][N];
    for (int m = 0; m < M; ++m)
        for (int n = 0; n < N; ++n)
            sum[m][n] = splat<T>(p.start[m]);
    const T* a = p.a;
    const T* b = p.b;
    const int64_t taps = p.taps, plane = p.plane;
    const int32_t* const offset = p.offset;
    constexpr int64_t chain = longest_sum / 2;  // keeps the error below twice that of a BLAS
    const int64_t at_once = taps < chain ? chain / taps : 1;
    for (int64_t done = 0; done < p.channels;) {
        const int64_t end = p.channels - done > at_once ? done + at_once : p.channels;
        const bool first = done == 0, last = end == p.channels;
        for (; done < end; ++done, b += plane) {
            for (int64_t tap = 0; tap < taps; ++tap, a += M) {
                const T* at = b + offset[tap];
                V v[N];
#pragma GCC unroll 4
                for (int n = 0; n < N; ++n) {
                    v[n] = load<T>(at + n * lanes);
                    __builtin_prefetch(at + 2 * plane + n * lanes);
                }
#pragma GCC unroll 8
                for (int m = 0; m < M; ++m) {
                    const V w = splat<T>(a[m]);
#pragma GCC unroll 4
                    for (int n = 0; n < N; ++n) sum[m][n] += w * v[n];
                }
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

template <class T>
using Micro = void (*)(const Product<T>&);

template <class T, int M>
Micro<T> micro_of(int vectors) {
    if constexpr (max_vectors >= 3)
        if (vectors == 3) return micro<T, M, 3>;
    if constexpr (max_vectors >= 2)
        if (vectors == 2) return micro<T, M, 2>;
    return micro<T, M, 1>;
}

template <class T>
Micro<T> micro_of(int rows, int vectors) {
    switch (rows) {
        case 1: return micro_of<T, 1>(vectors);
        case 2: return micro_of<T, 2>(vectors);
        case 3: return micro_of<T, 3>(vectors);
        case 4: return micro_of<T, 4>(vectors);
        case 5: return micro_of<T, 5>(vectors);
        case 6: return micro_of<T, 6>(vectors);
        case 7: return micro_of<T, 7>(vectors);
        default: return micro_of<T, 8>(vectors);
    }
}

// The product over `width` cells of b, a few vectors at a time.
template <class T>
void sweep(Product<T> product, int64_t rows, int64_t width) {
    constexpr int64_t lanes = Lanes<T>::count;
    for (int64_t vectors = (width + lanes - 1) / lanes; vectors > 0;) {
        // four vectors are better cut 2 + 2 than 3 + 1
        const int64_t most = max_vectors == 3 && vectors == 4 ? 2 : max_vectors;
        const int64_t now = vectors < most ? vectors : most;
        micro_of<T>(static_cast<int>(rows), static_cast<int>(now))(product);
        product.b += now * lanes;
        product.c += now * lanes;
        vectors -= now;
    }
}

}  // namespace tconv::TCONV_TARGET
