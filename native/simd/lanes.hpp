// Vectors of one target, written with the compiler's vector extensions.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "api.hpp"
#include "runtime/memory.hpp"

#ifndef TCONV_TARGET
#define TCONV_TARGET baseline
#endif

#if defined(__AVX512F__)
#define TCONV_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define TCONV_VECTOR_BYTES 32
#else
#define TCONV_VECTOR_BYTES 16
#endif

#define TCONV_INLINE inline __attribute__((always_inline))
#define TCONV_INLINED __attribute__((always_inline))  // of a lambda

namespace tconv::TCONV_TARGET {

// f(0), ..., f(count - 1), each with its number known to the compiler, so that arrays of vectors
// stay in registers.
template <class F, int... I>
TCONV_INLINE void each(std::integer_sequence<int, I...>, const F& f) {
    (f(std::integral_constant<int, I>{}), ...);
}
template <int count, class F>
TCONV_INLINE void each(const F& f) {
    each(std::make_integer_sequence<int, count>{}, f);
}

template <class T>
struct Lanes {
    static constexpr int count = TCONV_VECTOR_BYTES / sizeof(T);
    typedef T V __attribute__((vector_size(TCONV_VECTOR_BYTES)));
    typedef T Unaligned
        __attribute__((vector_size(TCONV_VECTOR_BYTES), aligned(alignof(T)), may_alias));
};

template <class T>
TCONV_INLINE typename Lanes<T>::V load(const T* p) {
    return *reinterpret_cast<const typename Lanes<T>::Unaligned*>(p);
}

template <class T>
TCONV_INLINE void store(T* p, typename Lanes<T>::V v) {
    *reinterpret_cast<typename Lanes<T>::Unaligned*>(p) = v;
}

// The same value in every lane; x - 0 is x, so that nothing is left to compute.
template <class T>
TCONV_INLINE typename Lanes<T>::V broadcast(T x) {
    return x - typename Lanes<T>::V{};
}

// An integer as wide as a lane.
template <class T>
struct Index;
template <>
struct Index<float> {
    typedef int32_t type;
};
template <>
struct Index<double> {
    typedef int64_t type;
};

// Lane i of the result is lane From::lane(i) of two vectors, one after the other.
template <class T, class From, int... i>
TCONV_INLINE typename Lanes<T>::V shuffle(typename Lanes<T>::V a, typename Lanes<T>::V b,
                                          std::integer_sequence<int, i...>) {
#if defined(__has_builtin) && __has_builtin(__builtin_shufflevector)
    return __builtin_shufflevector(a, b, From::lane(i)...);
#else  // GCC before 12
    typedef typename Index<T>::type I;
    typedef I M __attribute__((vector_size(sizeof(I) * Lanes<T>::count)));
    return __builtin_shuffle(a, b, M{From::lane(i)...});
#endif
}
template <class T, class From>
TCONV_INLINE typename Lanes<T>::V shuffle(typename Lanes<T>::V a, typename Lanes<T>::V b) {
    return shuffle<T, From>(a, b, std::make_integer_sequence<int, Lanes<T>::count>());
}

// The lower (half 0) or upper half of two vectors zipped.
template <class T, int half>
struct Zip {
    static constexpr int count = Lanes<T>::count;
    static constexpr int lane(int i) { return half * count / 2 + i / 2 + i % 2 * count; }
};

// Lanes first, first + step, first + 2·step, ... of two vectors; lane 0 beyond their
// end, for a second shuffle to replace.
template <class T, int step, int first>
struct Every {
    static constexpr int lane(int i) {
        const int at = step * i + first;
        return at < 2 * Lanes<T>::count ? at : 0;
    }
};

// a·b + sum with one rounding where the target can, whatever else the compiler fuses.
template <class T>
TCONV_INLINE typename Lanes<T>::V multiply_add(typename Lanes<T>::V a, typename Lanes<T>::V b,
                                               typename Lanes<T>::V sum) {
    typedef typename Lanes<T>::V V [[maybe_unused]];
    if constexpr (sizeof(T) == 4) {
#if defined(__AVX512F__)
        return (V)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)sum);
#elif defined(__FMA__)
        return (V)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)sum);
#elif defined(__aarch64__)
        return (V)vfmaq_f32((float32x4_t)sum, (float32x4_t)a, (float32x4_t)b);
#else
        return a * b + sum;
#endif
    } else {
#if defined(__AVX512F__)
        return (V)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)sum);
#elif defined(__FMA__)
        return (V)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)sum);
#elif defined(__aarch64__)
        return (V)vfmaq_f64((float64x2_t)sum, (float64x2_t)a, (float64x2_t)b);
#else
        return a * b + sum;
#endif
    }
}

// Stores past the caches, where p is aligned to a vector; fence() makes such stores seen.
template <class T>
TCONV_INLINE void store_nontemporal(T* p, typename Lanes<T>::V v) {
#if defined(__AVX512F__)
    _mm512_stream_ps(reinterpret_cast<float*>(p), (__m512)v);
#elif defined(__AVX2__)
    _mm256_stream_ps(reinterpret_cast<float*>(p), (__m256)v);
#elif defined(__SSE2__)
    _mm_stream_ps(reinterpret_cast<float*>(p), (__m128)v);
#else
    store<T>(p, v);
#endif
}

// Stores the first `count` lanes, fewer than all.
template <class T>
TCONV_INLINE void store_first(T* p, typename Lanes<T>::V v, int64_t count) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), (__m512)v);
    else
        _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << count) - 1), (__m512d)v);
#else
    for (int64_t i = 0; i < count; ++i) p[i] = v[i];
#endif
}

// Loads the first `count` lanes, fewer than all; the others are zero, and their memory is not read.
template <class T>
TCONV_INLINE typename Lanes<T>::V load_first(const T* p, int64_t count) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        return (typename Lanes<T>::V)_mm512_maskz_loadu_ps(
            static_cast<__mmask16>((1u << count) - 1), p);
    else
        return (typename Lanes<T>::V)_mm512_maskz_loadu_pd(
            static_cast<__mmask8>((1u << count) - 1), p);
#else
    typename Lanes<T>::V v{};
    for (int64_t i = 0; i < count; ++i) v[i] = p[i];
    return v;
#endif
}

TCONV_INLINE void fence() {
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

TCONV_INLINE bool aligned(const void* p) {
    return reinterpret_cast<uintptr_t>(p) % TCONV_VECTOR_BYTES == 0;
}

// Puts the lanes of vector `from` into vector `which` of S zipped vectors.
template <class T, int S, int which, int from>
struct ZipOne {
    static constexpr int lane(int i) {
        const int at = which * Lanes<T>::count + i, of = at % S;
        return of == from ? Lanes<T>::count + at / S : of == 0 && from == 1 ? at / S : i;
    }
};

// Vector `which` of v[0][0], v[1][0], ..., v[S-1][0], v[0][1], v[1][1], ...
template <class T, int S, int which>
TCONV_INLINE typename Lanes<T>::V zipped(const typename Lanes<T>::V* v) {
    typename Lanes<T>::V all = v[0];
    each<S - 1>([&](auto i) TCONV_INLINED {
        all = shuffle<T, ZipOne<T, S, which, i + 1>>(all, v[i + 1]);
    });
    return all;
}

template <class T, int S, int which = 0>
TCONV_INLINE void zip(const typename Lanes<T>::V* v, typename Lanes<T>::V* to) {
    if constexpr (which < S) {
        to[which] = zipped<T, S, which>(v);
        zip<T, S, which + 1>(v, to);
    }
}

// S vectors v become the S vectors of v[0][0], v[1][0], ..., v[0][1], v[1][1], ...
template <class T, int S>
TCONV_INLINE void interleave(typename Lanes<T>::V* v) {
    typedef typename Lanes<T>::V V;
    if constexpr (S > 1 && S % 2 == 0) {
        V even[S / 2], odd[S / 2];
        for (int i = 0; i < S / 2; ++i) {
            even[i] = v[2 * i];
            odd[i] = v[2 * i + 1];
        }
        interleave<T, S / 2>(even);
        interleave<T, S / 2>(odd);
        for (int i = 0; i < S / 2; ++i) {
            v[2 * i] = shuffle<T, Zip<T, 0>>(even[i], odd[i]);
            v[2 * i + 1] = shuffle<T, Zip<T, 1>>(even[i], odd[i]);
        }
    } else if constexpr (S > 1) {
        V all[S];
        zip<T, S>(v, all);
        for (int i = 0; i < S; ++i) v[i] = all[i];
    }
}

// Cells first, first + 2, first + 4, ... of two vectors that follow each other.
template <class T, int first>
TCONV_INLINE typename Lanes<T>::V every_second(typename Lanes<T>::V a, typename Lanes<T>::V b) {
    return shuffle<T, Every<T, 2, first>>(a, b);
}

// The inverse of interleave.
template <class T, int S>
TCONV_INLINE void deinterleave(typename Lanes<T>::V* v) {
    if constexpr (S > 1) {
        typename Lanes<T>::V even[S / 2], odd[S / 2];
        for (int i = 0; i < S / 2; ++i) {
            even[i] = every_second<T, 0>(v[2 * i], v[2 * i + 1]);
            odd[i] = every_second<T, 1>(v[2 * i], v[2 * i + 1]);
        }
        deinterleave<T, S / 2>(even);
        deinterleave<T, S / 2>(odd);
        for (int i = 0; i < S / 2; ++i) {
            v[2 * i] = even[i];
            v[2 * i + 1] = odd[i];
        }
    }
}

// What Every<T, 3, first> found of two vectors, and the rest of it from a third.
template <class T, int first>
struct EveryThirdOn {
    static constexpr int count = Lanes<T>::count;
    static constexpr int lane(int i) {
        const int at = 3 * i + first;
        return at < 2 * count ? i : at - count;
    }
};

// Cells first, first + 3, first + 6, ... of three vectors that follow each other.
template <class T, int first>
TCONV_INLINE typename Lanes<T>::V every_third(typename Lanes<T>::V a, typename Lanes<T>::V b,
                                              typename Lanes<T>::V c) {
    return shuffle<T, EveryThirdOn<T, first>>(shuffle<T, Every<T, 3, first>>(a, b), c);
}

// Vector `which` of a[0], b[0], c[0], a[1], b[1], c[1], ...
template <class T, int which>
TCONV_INLINE typename Lanes<T>::V interleaved(typename Lanes<T>::V a, typename Lanes<T>::V b,
                                              typename Lanes<T>::V c) {
    const typename Lanes<T>::V v[3] = {a, b, c};
    return zipped<T, 3, which>(v);
}

// The sums of S vectors, S as many as lanes: lane i that of v[i].
template <class T, int S>
TCONV_INLINE typename Lanes<T>::V sums(typename Lanes<T>::V* v) {
    if constexpr (S == 1) {
        return v[0];
    } else {
        each<S / 2>([&](auto i) TCONV_INLINED {
            const auto a = v[i], b = v[i + S / 2];
            v[i] = shuffle<T, Zip<T, 0>>(a, b) + shuffle<T, Zip<T, 1>>(a, b);
        });
        return sums<T, S / 2>(v);
    }
}

}  // namespace tconv::TCONV_TARGET
