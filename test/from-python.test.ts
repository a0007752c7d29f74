import { readFileSync } from 'node:fs';
import path from 'node:path';

import { describe, expect, test } from '@jest/globals';
import * as stillvec from 'stillvec';

const page = readFileSync(path.resolve(__dirname, '../docs/from-python.md'), 'utf8');
const code = [...page.matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);
const rows = [...page.matchAll(/^\| (.*?) +\| (.*?) +\|$/gm)].map(([, python = '', here = '']) => ({ python, here }));

const names = (list: string): string[] => list.trim().split(/\s+/);

/** The public names of Sentence Transformers 6.0.1 (`__all__`, methods, arguments) and Model2Vec 0.8. */
const python: Readonly<Record<string, string[]>> = {
  'the package': names(`LoggingHandler SentencesDataset ParallelSentencesDataset SentenceTransformer SimilarityFunction
    InputExample CrossEncoder CrossEncoderTrainer CrossEncoderTrainingArguments CrossEncoderModelCardData
    SentenceTransformerTrainer SentenceTransformerTrainingArguments SentenceTransformerModelCardData SparseEncoder
    SparseEncoderTrainer SparseEncoderTrainingArguments SparseEncoderModelCardData MultiVectorEncoder
    MultiVectorEncoderTrainer MultiVectorEncoderTrainingArguments MultiVectorEncoderModelCardData quantize_embeddings
    export_optimized_onnx_model export_dynamic_quantized_onnx_model export_static_quantized_openvino_model
    DefaultBatchSampler MultiDatasetDefaultBatchSampler mine_hard_negatives resolve_ids`),
  losses: names(`AdaptiveLayerLoss CosineSimilarityLoss SoftmaxLoss MultipleNegativesRankingLoss
    MultipleNegativesSymmetricRankingLoss TripletLoss TripletDistanceMetric MarginMSELoss MatryoshkaLoss
    Matryoshka2dLoss MSELoss ContrastiveLoss SiameseDistanceMetric CachedGISTEmbedLoss
    CachedMultipleNegativesRankingLoss CachedMultipleNegativesSymmetricRankingLoss ContrastiveTensionLoss
    ContrastiveTensionLossInBatchNegatives ContrastiveTensionDataLoader CoSENTLoss AnglELoss OnlineContrastiveLoss
    MegaBatchMarginLoss DenoisingAutoEncoderLoss GISTEmbedLoss GlobalOrthogonalRegularizationLoss BatchHardTripletLoss
    BatchHardTripletLossDistanceFunction BatchHardSoftMarginTripletLoss BatchSemiHardTripletLoss BatchAllTripletLoss
    DistillKLDivLoss EmbedDistillLoss`),
  evaluators: names(`BaseEvaluator SentenceEvaluator SimilarityFunction BinaryClassificationEvaluator
    EmbeddingSimilarityEvaluator InformationRetrievalEvaluator LabelAccuracyEvaluator MSEEvaluator
    MSEEvaluatorFromDataFrame ParaphraseMiningEvaluator SequentialEvaluator TranslationEvaluator TripletEvaluator
    RerankingEvaluator NanoBEIREvaluator`),
  util: names(`save_to_hub_args_decorator all_gather all_gather_padded all_gather_with_grad get_rank get_world_size
    get_device_name check_package_availability check_version_requirements is_accelerate_available is_datasets_available
    is_dist_initialized is_training_available is_sentence_transformer_model load_dir_path load_file_path http_get
    disabled_tqdm LoggingHandler install_logger fullname similarity_fct_name check_teacher_targets import_from_string
    import_module_class disable_datasets_caching disable_logging append_to_last_row ORIGINAL_TRANSFORMER_MODELS
    community_detection information_retrieval paraphrase_mining paraphrase_mining_embeddings semantic_search
    quantize_embeddings SimilarityFunction cos_sim dot_score euclidean_sim manhattan_sim maxsim maxsim_pairwise
    mean_maxsim mean_maxsim_pairwise pairwise_angle_sim pairwise_cos_sim pairwise_dot_score pairwise_euclidean_sim
    pairwise_manhattan_sim pytorch_cos_sim batch_to_device cat_padded_token_embeddings compute_count_vector
    normalize_embeddings repad_flattened_features select_max_active_dims stack_padded_token_embeddings to_scipy_coo
    truncate_embeddings mine_hard_negatives resolve_ids semantic_search_faiss semantic_search_usearch`),
  'methods of a model': names(`SUPPORTED_SIMILARITY_FN_NAMES active_adapter active_adapters add_adapter append
    check_peft_compatible_model config default_huggingface_organization delete_adapter device disable_adapters dtype
    enable_adapters encode encode_document encode_multi_process encode_query evaluate extend fit
    get_adapter_state_dict get_backend get_embedding_dimension get_max_seq_length get_model_kwargs
    get_sentence_embedding_dimension get_sentence_features gradient_checkpointing_enable has_peft_compatible_model
    insert is_singular_input load load_adapter max_seq_length modalities model_card_data_class model_type old_fit pop
    preprocess processor push_to_hub save save_pretrained save_to_hub set_adapter set_pooling_include_prompt similarity
    similarity_fn_name similarity_pairwise smart_batching_collate start_multi_process_pool stop_multi_process_pool
    supports tokenize tokenizer transformers_model truncate_embeddings truncate_sentence_embeddings`),
  modules: names(`Transformer StaticEmbedding Asym BoW CNN Dense Dropout LayerNorm LSTM Normalize Pooling
    WeightedLayerPooling WordEmbeddings WordWeights CLIPModel Module InputModule Router`),
  'the arguments of the trainer': names(`output_dir per_device_train_batch_size num_train_epochs max_steps learning_rate
    lr_scheduler_type lr_scheduler_kwargs warmup_steps optim optim_args weight_decay adam_beta1 adam_beta2 adam_epsilon
    optim_target_modules gradient_accumulation_steps average_tokens_across_devices max_grad_norm label_smoothing_factor
    bf16 fp16 bf16_full_eval fp16_full_eval tf32 gradient_checkpointing gradient_checkpointing_kwargs torch_compile
    torch_compile_backend torch_compile_mode use_liger_kernel liger_kernel_config use_cache neftune_noise_alpha
    torch_empty_cache_steps auto_find_batch_size logging_strategy logging_steps logging_first_step log_on_each_node
    logging_nan_inf_filter include_num_input_tokens_seen log_level log_level_replica disable_tqdm report_to run_name
    project trackio_space_id trackio_bucket_id trackio_static_space_id eval_strategy eval_steps eval_delay
    per_device_eval_batch_size prediction_loss_only eval_on_start eval_do_concat_batches eval_use_gather_object
    eval_accumulation_steps include_for_metrics batch_eval_metrics save_only_model save_strategy save_steps
    save_on_each_node save_total_limit enable_jit_checkpoint push_to_hub hub_token hub_private_repo hub_model_id
    hub_strategy hub_always_push hub_revision load_best_model_at_end metric_for_best_model greater_is_better
    ignore_data_skip restore_callback_states_from_checkpoint full_determinism seed data_seed use_cpu accelerator_config
    parallelism_config dataloader_drop_last dataloader_num_workers dataloader_pin_memory dataloader_persistent_workers
    dataloader_prefetch_factor dataloader_multiprocessing_context dataloader_in_order remove_unused_columns label_names
    train_sampling_strategy length_column_name ddp_find_unused_parameters ddp_bucket_cap_mb ddp_broadcast_buffers
    ddp_static_graph ddp_backend ddp_timeout fsdp fsdp_config deepspeed debug skip_memory_metrics do_train do_eval
    do_predict resume_from_checkpoint local_rank prompts batch_sampler multi_dataset_batch_sampler router_mapping
    learning_rate_mapping warmup_ratio train_dataset eval_dataset loss evaluator callbacks data_collator
    processing_class model_init compute_metrics optimizers optimizer_cls_and_kwargs preprocess_logits_for_metrics`),
  Model2Vec: names(`StaticModel.from_pretrained StaticModel.from_sentence_transformers StaticModel.save_pretrained
    StaticModel.push_to_hub StaticModel.encode StaticModel.encode_as_sequence StaticModel.tokenize StaticModel.dim
    StaticModel.normalize StaticModel.tokens StaticModel.embedding quantize_model distill distill_from_model
    StaticModelForClassification StaticModelForSimilarity StaticModelPipeline`),
};

describe('docs/from-python.md', () => {
  test.each(Object.entries(python))('names all of %s', (_, all) => {
    const text = rows.map((row) => row.python).join('\n');
    const missing = all.filter((name) => !new RegExp(`(?<![\\w.])${name.replace('.', '\\.')}(?!\\w)`).test(text));
    expect(missing).toEqual([]);
  });

  test('says of each what is here, or why nothing is', () => {
    expect(rows.filter(({ here }) => here.trim() === '')).toEqual([]);
    expect(rows.length).toBeGreaterThan(80);
  });

  test('names classes and functions that there are', () => {
    const exported = new Set(Object.keys(stillvec));
    const isPython = (name: string): boolean => Object.values(python).some((all) => all.includes(name));
    const ours = rows
      .flatMap(({ here }) => [...here.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text))
      .map((text) => /^(?:new )?([A-Z]\w+)/.exec(text)?.[1])
      .filter((name) => name !== undefined && /Loss$|Evaluator$/.test(name));
    expect(ours.filter((name) => !exported.has(name!) && !isPython(name!))).toEqual([]);
    // What the page calls the same has the same name.
    const same = rows
      .filter(({ here }) => here.startsWith('the same'))
      .flatMap((row) => [...row.python.matchAll(/\b[A-Z]\w*(?:Loss|Evaluator)\b/g)].map(([name]) => name));
    expect(same.filter((name) => !exported.has(name))).toEqual([]);
    expect(code).toContain('SumLoss');
  });
});
