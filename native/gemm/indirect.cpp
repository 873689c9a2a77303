// The kernels of an indirect GEMM.
#include "gemm/indirect.hpp"

#include "simd/activations.hpp"

namespace tconv::TCONV_TARGET::indirect {
namespace {

#if !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // `before` is read where `is_cut` is true
#endif

// Sets the sums of a KC block apart, so that rounding errors do not pile up.
template <int count, class V>
TCONV_INLINE void end_kc_block(V (&sum)[count], V (&before)[count], bool& is_cut) {
#pragma GCC unroll 24
    for (int i = 0; i < count; ++i) {
        before[i] = is_cut ? before[i] + sum[i] : sum[i];
        sum[i] = V{};
    }
    is_cut = true;
}

template <class T, int M, int N>
void igemm(const IndirectProduct<T>& p) {
    constexpr int lanes = Lanes<T>::count;
    typedef typename Lanes<T>::V V;
    V sum[M * N], before[M * N];
    MemorySteps<T> memory = p.memory;
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) sum[m * N + n] = load<T>(p.start + n * lanes);
    bool is_cut = false;
    for (int64_t i = 0; i < p.entries; ++i) {
        const Indirection& entry = p.entry[i];
        const T* at[M];
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m) at[m] = p.x + (p.from[m] + entry.input);
        const T* w = p.weights + entry.weights;
        const bool has_steps = i < memory.entries;
        const int64_t at_once = has_steps ? step_channels : entry.channels;
        for (int64_t c = 0, end = 0; c < entry.channels;) {
            if (has_steps) memory.step(at, c);
            end = end + at_once < entry.channels ? end + at_once : entry.channels;
            for (; c < end; ++c, w += N * lanes) {
                V v[N];
#pragma GCC unroll 4
                for (int n = 0; n < N; ++n) v[n] = load<T>(w + n * lanes);
#pragma GCC unroll 16
                for (int m = 0; m < M; ++m) {
                    const V b = broadcast<T>(at[m][c]);
#pragma GCC unroll 4
                    for (int n = 0; n < N; ++n) sum[m * N + n] += b * v[n];
                }
            }
        }
        if (entry.ends_kc_block) end_kc_block(sum, before, is_cut);
    }
    if (is_cut)
#pragma GCC unroll 24
        for (int i = 0; i < M * N; ++i) sum[i] = before[i] + sum[i];
    if (p.relu)
#pragma GCC unroll 24
        for (int i = 0; i < M * N; ++i) sum[i] = rectified(sum[i]);
#pragma GCC unroll 16
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) {
            T* const to = p.y + (p.to[m] + p.column[n]);
            p.nontemporal ? store_nontemporal<T>(to, sum[m * N + n]) : store<T>(to, sum[m * N + n]);
        }
}

template <class T, int M, int N>
IndirectKernel<T> select_igemm(int64_t positions) {
    if constexpr (M > 1)
        if (positions < M) return select_igemm<T, M - 1, N>(positions);
    return igemm<T, M, N>;
}

template <class T, int N>
IndirectKernel<T> select_igemm(int64_t positions, int64_t vectors) {
    if constexpr (N > 1)
        if (vectors < N) return select_igemm<T, N - 1>(positions, vectors);
    return select_igemm<T, mr_of(N), N>(positions);
}

// Every product is fused by name: the compiler fuses some and not others, and what a position gets
// would depend on its place in the block, which depends on the threads.
template <class T, int R>
void dots(const IndirectProduct<T>& p) {
    constexpr int lanes = Lanes<T>::count, M = dot_mr_of(R);
    typedef typename Lanes<T>::V V;
    V sum[M * R], before[M * R];
#pragma GCC unroll 24
    for (int i = 0; i < M * R; ++i) sum[i] = V{};
    bool is_cut = false;
    for (int64_t i = 0; i < p.entries; ++i) {
        const Indirection& entry = p.entry[i];
        const T* at[M];
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m) at[m] = p.x + (p.from[m] + entry.input);
        const T* w = p.weights + entry.weights;
        const int64_t whole = entry.channels / lanes * lanes, rest = entry.channels - whole;
        const auto add = [&](auto read) {
            V v[R];
#pragma GCC unroll 8
            for (int r = 0; r < R; ++r) v[r] = load<T>(w + r * lanes);
#pragma GCC unroll 16
            for (int m = 0; m < M; ++m) {
                const V b = read(at[m]);
#pragma GCC unroll 8
                for (int r = 0; r < R; ++r)
                    sum[m * R + r] = multiply_add<T>(b, v[r], sum[m * R + r]);
            }
            w += R * lanes;
        };
        for (int64_t c = 0; c < whole; c += lanes)
            add([c](const T* from) { return load<T>(from + c); });
        if (rest) add([whole, rest](const T* from) { return load_first<T>(from + whole, rest); });
        if (entry.ends_kc_block) end_kc_block(sum, before, is_cut);
    }
#pragma GCC unroll 24
    for (int j = 0; j < M * R; ++j)
        if (is_cut) sum[j] += before[j];
#pragma GCC unroll 24
    for (int first = 0; first < M * R; first += lanes) {
        V part[lanes];
#pragma GCC unroll 16
        for (int j = 0; j < lanes; ++j) part[j] = first + j < M * R ? sum[first + j] : V{};
        V v = load<T>(p.start + first) + sums<T, lanes>(part);
        if (p.relu) v = rectified(v);
        store<T>(p.y + first, v);
    }
}

#if !defined(__clang__)
#pragma GCC diagnostic pop
#endif

template <class T, int R>
IndirectKernel<T> select_dots(int64_t columns) {
    if constexpr (R > 1)
        if (columns < R) return select_dots<T, R - 1>(columns);
    return dots<T, R>;
}

}  // namespace

template <class T>
IndirectKernel<T> igemm_of(int64_t positions, int64_t vectors) {
    return select_igemm<T, max_nr>(positions, vectors);
}

template <class T>
IndirectKernel<T> dots_of(int64_t columns) {
    return select_dots<T, max_dot_columns>(columns);
}

template IndirectKernel<float> igemm_of(int64_t positions, int64_t vectors);
template IndirectKernel<double> igemm_of(int64_t positions, int64_t vectors);
template IndirectKernel<float> dots_of(int64_t columns);
template IndirectKernel<double> dots_of(int64_t columns);

}  // namespace tconv::TCONV_TARGET::indirect
