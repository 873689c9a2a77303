// The register-blocked product at the heart of everything:
//     c[m][n] = start[m] + sum over channels and taps of a[channel][tap][m] * b[channel·plane + offset[tap] + n]
#pragma once

#include "simd/activations.hpp"

namespace tconv::TCONV_TARGET {

constexpr int max_rows = 8;
constexpr int max_vectors = TCONV_VECTOR_BYTES == 64 ? 3 : 1 + (TCONV_VECTOR_BYTES == 32);

// Products summed in one chain; longer sums are cut, so that rounding errors do not pile up.
constexpr int64_t kc = 256;

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
    bool adds = false;              // to what stands in c
    const int64_t* runs = nullptr;  // taps of each run, where rows differ in taps
    const T* ahead = nullptr;       // cells that a later product reads, asked from memory in passing
    int64_t ahead_plane = 0;        // between channels of them
};

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
    constexpr int64_t chain = kc / 2;  // keeps the error below twice that of a BLAS
    const int64_t at_once = taps < chain ? chain / taps : 1;
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

constexpr int widest_kernel = 6;  // vectors, beside few rows
constexpr int most_runs = 4;
constexpr int most_sums = TCONV_VECTOR_BYTES == 64 ? 28 : max_rows * max_vectors;  // in registers
constexpr int tallest_kernel = TCONV_VECTOR_BYTES == 64 ? most_sums / 2 : max_rows;

// Vectors computed at once beside so many rows.
constexpr int vectors_beside(int rows) {
    if (TCONV_VECTOR_BYTES < 64) return max_vectors;
    if (rows <= 4) return widest_kernel;
    return most_sums / rows < max_vectors ? most_sums / rows : max_vectors;
}

// Ways to compute so many rows, by the number of vectors less one; and the rows of each run.
template <class T>
struct Kernel {
    int rows, vectors, runs;
    int first[most_runs], end[most_runs];
    void (*of[widest_kernel])(const Product<T>&);
};

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

// A kernel of rows that all taps enter; of a single tap, where that is all there are.
template <class T, int... M>
const Kernel<T>& kernel_of(int64_t rows, bool single, std::integer_sequence<int, M...>) {
    static constexpr const Kernel<T>* any[] = {&kernel_with<T, M + 1>...};
    static constexpr const Kernel<T>* one[] = {&kernel_with<T, M + 1, Run<0, M + 1, 1>>...};
    return *(single ? one : any)[rows - 1];
}
template <class T>
const Kernel<T>& kernel_of(int64_t rows, bool single) {
    return kernel_of<T>(rows, single, std::make_integer_sequence<int, tallest_kernel>());
}

// The product over `width` cells of b, a few vectors at a time; `ahead` says of a cell of b what to
// ask from memory meanwhile.
template <class T, class Ahead>
void sweep(Product<T> product, const Kernel<T>& kernel, int64_t width, const Ahead& ahead) {
    constexpr int64_t lanes = Lanes<T>::count;
    if (!product.runs) product.runs = &product.taps;
    const int64_t vectors = (width + lanes - 1) / lanes;
    const int64_t strips = (vectors + kernel.vectors - 1) / kernel.vectors;
    for (int64_t i = 0, at = 0, least = vectors / (strips ? strips : 1); i < strips; ++i) {
        const int64_t now = least + (i < vectors - strips * least);
        product.ahead = ahead(at);
        kernel.of[now - 1](product);
        product.b += now * lanes;
        product.c += now * lanes;
        at += now * lanes;
    }
}
template <class T>
void sweep(const Product<T>& product, int64_t rows, int64_t width) {
    sweep<T>(product, kernel_of<T>(rows, product.taps == 1), width, [](int64_t) { return nullptr; });
}

}  // namespace tconv::TCONV_TARGET
