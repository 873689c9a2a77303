#include "algorithms/streaming.hpp"

#include "registry.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
Algorithm<T> streaming_algorithm() {
    return {"streaming", false, Streaming<T>::refusal, make_recipe<T, Adapted<T, Streaming<T>>>};
}

template Algorithm<float> streaming_algorithm();
template Algorithm<double> streaming_algorithm();

}  // namespace tconv::TCONV_TARGET
