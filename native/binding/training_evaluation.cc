#include "binding/training_evaluation.h"

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "binding/args.h"
#include "binding/cancellation.h"
#include "binding/environment.h"
#include "binding/fields.h"
#include "binding/pooling.h"
#include "binding/table.h"
#include "binding/task.h"
#include "binding/training_loss.h"
#include "binding/training_source.h"
#include "training/evaluate_loss.h"

namespace stillvec::binding {
namespace {

// evaluateLoss(table, source, loss, { batchSize, precision, pooling }, cancellation): Promise<number>
Napi::Value evaluate_loss(const Napi::CallbackInfo& info) {
  struct Job {
    std::shared_ptr<const model::EmbeddingTable> table;
    training::Source source;
    std::vector<training::CriterionTerm> loss;
    training::Precision precision;
    std::uint64_t batch_size;
    model::Pooling pooling;
    Cancellation::Flag cancelled;
  };
  const Napi::Env env = info.Env();
  const auto job = std::make_shared<Job>();
  job->table = object_argument<Table>(info, 0, "table").table();
  if (!info[1].IsObject() || !info[3].IsObject()) fail_argument(env, "expected objects for source and batches");
  job->source = source_value(info[1].As<Napi::Object>());
  job->loss = loss_value(info[2]);
  job->batch_size = integer_field(info[3].As<Napi::Object>(), "batchSize");
  job->precision = precision_field(info[3].As<Napi::Object>());
  job->pooling = pooling_value(info[3].As<Napi::Object>().Get("pooling"));
  job->cancelled = object_argument<Cancellation>(info, 4, "cancellation").flag();
  return run_on_thread(env, [job, &pool = Environment::of(env).pool()](const std::atomic<bool>& ended) -> Settle {
    auto loss = training::evaluate_loss(pool, job->table, std::move(job->source), std::move(job->loss), job->precision,
                                        job->batch_size, job->pooling, [&] { return ended || *job->cancelled; });
    return [loss = std::move(loss)](Napi::Env settled) -> Napi::Value {
      return Napi::Number::New(settled, unwrap(settled, loss));
    };
  });
}

}  // namespace

void define_training_evaluation(Napi::Env env, Napi::Object exports) {
  export_function<evaluate_loss>(env, exports, "evaluateLoss");
}

}  // namespace stillvec::binding
