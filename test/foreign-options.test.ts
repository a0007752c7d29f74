import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as stillvec from 'stillvec';

import { writeTinyTokenizer } from './support/tiny-tokenizer';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-foreign-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let model: stillvec.SentenceTransformer;
beforeAll(async () => {
  model = await stillvec.SentenceTransformer.create({ tokenizer: writeTinyTokenizer(folder), dim: 8 });
});

type Options = Record<string, unknown>;
type Call = (options: Options) => unknown;

const names = (list: string): string[] => list.trim().split(/\s+/);
const camelCase = (name: string): string => name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const loss =
  (name: keyof typeof stillvec): Call =>
  (options) =>
    new (stillvec[name] as unknown as new (options: Options) => unknown)(options);

const evaluator = loss;

/** What Sentence Transformers 6.0.1 takes, under the names that it has in Python, and who takes it here. */
const table: readonly [where: string, call: Call, names: string[]][] = [
  [
    'SentenceTransformer()',
    (options) => stillvec.SentenceTransformer.load(folder, options),
    names(`modules device prompts default_prompt_name cache_folder trust_remote_code revision local_files_only token
      use_auth_token model_kwargs processor_kwargs config_kwargs model_card_data backend similarity_fn_name truncate_dim`),
  ],
  [
    'encode()',
    (options) => model.encode(['a'], options),
    names(`prompt_name prompt batch_size show_progress_bar output_value precision convert_to_numpy convert_to_tensor
      device normalize_embeddings truncate_dim pool chunk_size`),
  ],
  [
    'SentenceTransformerTrainer()',
    (options) => model.fit(options as never),
    names(`model args train_dataset loss evaluator data_collator processing_class model_init
      compute_metrics optimizers optimizer_cls_and_kwargs preprocess_logits_for_metrics`),
  ],
  [
    'SentenceTransformerTrainingArguments()',
    (options) => model.fit(options as never),
    names(`output_dir per_device_train_batch_size num_train_epochs max_steps learning_rate lr_scheduler_type
      lr_scheduler_kwargs warmup_steps optim optim_args weight_decay adam_beta1 adam_beta2 adam_epsilon
      optim_target_modules gradient_accumulation_steps average_tokens_across_devices max_grad_norm
      label_smoothing_factor bf16 fp16 bf16_full_eval fp16_full_eval tf32 gradient_checkpointing
      gradient_checkpointing_kwargs torch_compile torch_compile_backend torch_compile_mode use_liger_kernel
      liger_kernel_config use_cache neftune_noise_alpha torch_empty_cache_steps auto_find_batch_size logging_strategy
      logging_first_step log_on_each_node logging_nan_inf_filter include_num_input_tokens_seen log_level
      log_level_replica disable_tqdm report_to run_name project trackio_space_id trackio_bucket_id
      trackio_static_space_id eval_steps eval_delay per_device_eval_batch_size prediction_loss_only
      eval_on_start eval_do_concat_batches eval_use_gather_object eval_accumulation_steps include_for_metrics
      batch_eval_metrics save_only_model save_steps save_on_each_node save_total_limit
      enable_jit_checkpoint push_to_hub hub_token hub_private_repo hub_model_id hub_strategy hub_always_push hub_revision
      ignore_data_skip
      restore_callback_states_from_checkpoint full_determinism seed data_seed use_cpu accelerator_config
      parallelism_config dataloader_drop_last dataloader_num_workers dataloader_pin_memory
      dataloader_persistent_workers dataloader_prefetch_factor dataloader_multiprocessing_context dataloader_in_order
      remove_unused_columns label_names train_sampling_strategy length_column_name ddp_find_unused_parameters
      ddp_bucket_cap_mb ddp_broadcast_buffers ddp_static_graph ddp_backend ddp_timeout fsdp fsdp_config deepspeed debug
      skip_memory_metrics do_train do_eval do_predict resume_from_checkpoint local_rank prompts batch_sampler multi_dataset_batch_sampler
      router_mapping learning_rate_mapping warmup_ratio`),
  ],
  [
    'fit()',
    (options) => model.fit(options as never),
    names(`train_objectives evaluator epochs steps_per_epoch scheduler warmup_steps optimizer_class optimizer_params
      weight_decay evaluation_steps output_path save_best_model max_grad_norm use_amp callback show_progress_bar
      checkpoint_path checkpoint_save_steps checkpoint_save_total_limit resume_from_checkpoint`),
  ],
  [
    'MatryoshkaLoss()',
    (options) => new stillvec.MatryoshkaLoss(new stillvec.CoSENTLoss(), options as never),
    names('matryoshka_dims matryoshka_weights n_dims_per_step'),
  ],
  [
    'MultipleNegativesRankingLoss()',
    loss('MultipleNegativesRankingLoss'),
    names('model scale similarity_fct gather_across_devices directions partition_mode hardness_mode hardness_strength'),
  ],
  [
    'CachedMultipleNegativesRankingLoss()',
    loss('CachedMultipleNegativesRankingLoss'),
    names('model scale similarity_fct mini_batch_size mini_batch_num_tokens gather_across_devices show_progress_bar'),
  ],
  ['CosineSimilarityLoss()', loss('CosineSimilarityLoss'), names('model loss_fct cos_score_transformation')],
  ['CoSENTLoss()', loss('CoSENTLoss'), names('model scale similarity_fct')],
  ['AnglELoss()', loss('AnglELoss'), names('model scale')],
  ['ContrastiveLoss()', loss('ContrastiveLoss'), names('model distance_metric margin size_average')],
  ['OnlineContrastiveLoss()', loss('OnlineContrastiveLoss'), names('model distance_metric margin')],
  ['TripletLoss()', loss('TripletLoss'), names('model distance_metric triplet_margin')],
  ['BatchHardTripletLoss()', loss('BatchHardTripletLoss'), names('model distance_metric margin')],
  [
    'MegaBatchMarginLoss()',
    loss('MegaBatchMarginLoss'),
    names('model positive_margin negative_margin use_mini_batched_version mini_batch_size show_progress_bar'),
  ],
  ['MarginMSELoss()', loss('MarginMSELoss'), names('model similarity_fct')],
  [
    'DistillKLDivLoss()',
    loss('DistillKLDivLoss'),
    names('model similarity_fct temperature student_temperature teacher_temperature'),
  ],
  ['EmbedDistillLoss()', loss('EmbedDistillLoss'), names('model distance_metric projection_dim')],
  ['MSELoss()', loss('MSELoss'), names('model')],
  [
    'GlobalOrthogonalRegularizationLoss()',
    loss('GlobalOrthogonalRegularizationLoss'),
    names('model similarity_fct mean_weight second_moment_weight aggregation'),
  ],
  [
    'GISTEmbedLoss()',
    (options) => new stillvec.GISTEmbedLoss(model, options),
    names('model temperature margin_strategy margin contrast_anchors contrast_positives gather_across_devices'),
  ],
  [
    'BinaryClassificationEvaluator()',
    evaluator('BinaryClassificationEvaluator'),
    names('sentences1 sentences2 labels name batch_size show_progress_bar write_csv truncate_dim similarity_fn_names'),
  ],
  [
    'EmbeddingSimilarityEvaluator()',
    evaluator('EmbeddingSimilarityEvaluator'),
    names(`sentences1 sentences2 scores batch_size main_similarity similarity_fn_names name show_progress_bar write_csv
      precision truncate_dim`),
  ],
  [
    'InformationRetrievalEvaluator()',
    evaluator('InformationRetrievalEvaluator'),
    names(`queries corpus relevant_docs corpus_chunk_size mrr_at_k ndcg_at_k accuracy_at_k precision_recall_at_k
      map_at_k show_progress_bar batch_size name write_csv truncate_dim score_functions main_score_function query_prompt
      query_prompt_name corpus_prompt corpus_prompt_name write_predictions`),
  ],
  [
    'MSEEvaluator()',
    evaluator('MSEEvaluator'),
    names('source_sentences target_sentences teacher_model show_progress_bar batch_size name write_csv truncate_dim'),
  ],
  [
    'ParaphraseMiningEvaluator()',
    evaluator('ParaphraseMiningEvaluator'),
    names(`sentences_map duplicates_list duplicates_dict add_transitive_closure query_chunk_size corpus_chunk_size
      max_pairs top_k show_progress_bar batch_size name write_csv truncate_dim`),
  ],
  [
    'TranslationEvaluator()',
    evaluator('TranslationEvaluator'),
    names(`source_sentences target_sentences show_progress_bar batch_size name print_wrong_matches write_csv
      truncate_dim`),
  ],
  [
    'TripletEvaluator()',
    evaluator('TripletEvaluator'),
    names(`anchors positives negatives main_similarity_function margin name batch_size show_progress_bar write_csv
      truncate_dim similarity_fn_names main_distance_function`),
  ],
  [
    'NanoBEIREvaluator()',
    evaluator('NanoBEIREvaluator'),
    names(`dataset_names dataset_id mrr_at_k ndcg_at_k accuracy_at_k precision_recall_at_k map_at_k show_progress_bar
      batch_size write_csv truncate_dim score_functions main_score_function aggregate_fn aggregate_key query_prompts
      corpus_prompts write_predictions`),
  ],
  [
    'RerankingEvaluator()',
    evaluator('RerankingEvaluator'),
    names(`samples at_k name write_csv similarity_fct batch_size show_progress_bar use_batched_encoding truncate_dim
      mrr_at_k`),
  ],
  [
    'semantic_search()',
    (options) => stillvec.semanticSearch([[1]], [[1]], options),
    names('query_chunk_size corpus_chunk_size top_k score_function'),
  ],
  [
    'paraphrase_mining()',
    (options) => stillvec.paraphraseMining(model, ['a', 'b'], options),
    names(`show_progress_bar batch_size query_chunk_size corpus_chunk_size max_pairs top_k score_function truncate_dim
      prompt_name prompt`),
  ],
  [
    'community_detection()',
    (options) => stillvec.communityDetection([[1]], options),
    names('threshold min_community_size batch_size show_progress_bar'),
  ],
  [
    'mine_hard_negatives()',
    (options) => stillvec.mineHardNegatives(model, [{ a: 'a', b: 'b' }], options),
    names(`anchor_column_name positive_column_name corpus cross_encoder range_min range_max max_score min_score
      absolute_margin relative_margin num_negatives sampling_strategy query_prompt_name query_prompt corpus_prompt_name
      corpus_prompt include_positives output_format output_scores batch_size faiss_batch_size use_faiss
      use_multi_process verbose cache_folder as_triplets margin`),
  ],
];

/** What a call with that option says of the option, or undefined where it takes it. */
async function adviceOf(call: Call, name: string): Promise<string | undefined> {
  try {
    await call({ [name]: undefined });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return /^unknown option \w+ for [^:]+: (.*)$/s.exec(message)?.[1];
  }
  return undefined;
}

describe('an option of Sentence Transformers', () => {
  test.each(table)('of %s is taken, or its error says what is done here', async (_, call, options) => {
    const unadvised = [];
    for (const name of options.map(camelCase)) {
      const advice = await adviceOf(call, name);
      if (advice !== undefined && /^(?:did you mean|its options are|it has none)/.test(advice)) {
        unadvised.push([name, advice]);
      }
    }
    expect(unadvised).toEqual([]);
  });

  test.each<[string, Call, string, string]>([
    ['fit', (options) => model.fit(options as never), 'numTrainEpochs', 'its name is epochs'],
    ['fit', (options) => model.fit(options as never), 'num_train_epochs', 'its name is epochs'],
    ['fit', (options) => model.fit(options as never), 'perDeviceTrainBatchSize', 'its name is batchSize'],
    ['fit', (options) => model.fit(options as never), 'lrSchedulerType', 'its name is scheduler'],
    ['fit', (options) => model.fit(options as never), 'lrSchedulerKwargs', 'its name is schedulerOptions'],
    [
      'fit',
      (options) => model.fit(options as never),
      'showProgressBar',
      'onProgress is called about ten times a second',
    ],
    ['encode', (options) => model.encode('a', options), 'showProgressBar', 'onProgress is called with { done, total }'],
    [
      'MatryoshkaLoss',
      (options) => new stillvec.MatryoshkaLoss(new stillvec.CoSENTLoss(), options as never),
      'matryoshkaDims',
      'its name is dims',
    ],
    [
      'MatryoshkaLoss',
      (options) => new stillvec.MatryoshkaLoss(new stillvec.CoSENTLoss(), options as never),
      'matryoshka_weights',
      'its name is weights',
    ],
  ])('of %s is told its name here (%#)', async (_, call, name, advice) => {
    expect(await adviceOf(call, name)).toBe(advice);
  });
});
