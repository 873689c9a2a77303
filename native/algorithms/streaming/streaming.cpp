#include "algorithms/streaming/streaming.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
Algorithm<T> streaming_algorithm() {
    using R = streaming::StreamingRecipe<T>;
    return {"streaming", false, R::unsupported_reason, make_recipe<T, R>};
}

template Algorithm<float> streaming_algorithm();
template Algorithm<double> streaming_algorithm();

}  // namespace tconv::TCONV_TARGET
