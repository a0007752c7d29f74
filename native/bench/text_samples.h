#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace stillvec::bench {

// A word of the made-up language below: the same for the same rank, the frequent ones short.
inline std::string word_of_rank(unsigned rank) {
  std::mt19937 random(rank);
  std::string word;
  for (unsigned size = 2 + random() % 3 + static_cast<unsigned>(std::log2(rank + 1) / 2); size > 0; --size) {
    word.push_back("etaoinshrdlucmfwypvbgkjqxz"[std::min(random() % 26, random() % 26)]);
  }
  return word;
}

// The lines of the file that STILLVEC_BENCH_TEXT names; without one, made-up sentences whose words follow Zipf's law.
inline const std::vector<std::string>& samples() {
  static const std::vector<std::string> lines = [] {
    std::vector<std::string> out;
    if (const char* path = std::getenv("STILLVEC_BENCH_TEXT")) {
      std::ifstream file(path);
      for (std::string line; std::getline(file, line);) out.push_back(line);
      if (!out.empty()) return out;
    }
    constexpr double kWords = 50000;
    std::mt19937 random(1);
    std::uniform_real_distribution<double> uniform;
    for (int i = 0; i < 4000; ++i) {
      std::string line;
      for (unsigned words = 5 + random() % 30; words > 0; --words) {
        std::string word = word_of_rank(static_cast<unsigned>(std::pow(kWords, uniform(random))));
        if (line.empty()) word[0] = static_cast<char>(word[0] - 32);
        line += word;
        line += words == 1 ? "." : random() % 12 == 0 ? ", " : " ";
      }
      out.push_back(line);
    }
    return out;
  }();
  return lines;
}

inline std::string joined_samples() {
  std::string all;
  for (const std::string& line : samples()) all += line + "\n";
  return all;
}

}  // namespace stillvec::bench
