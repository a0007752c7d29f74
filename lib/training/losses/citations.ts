/** A paper, and the losses that are due to it. */
export interface Citation {
  readonly losses: readonly string[];
  readonly bibtex: string;
}

const tripletLosses = [
  'TripletLoss',
  'BatchHardTripletLoss',
  'BatchHardSoftMarginTripletLoss',
  'BatchSemiHardTripletLoss',
  'BatchAllTripletLoss',
];

const cachedLosses = [
  'CachedMultipleNegativesRankingLoss',
  'CachedMultipleNegativesSymmetricRankingLoss',
  'CachedGISTEmbedLoss',
];

const citations: readonly Citation[] = [
  {
    losses: ['MultipleNegativesRankingLoss', 'CachedMultipleNegativesRankingLoss'],
    bibtex: preprint('oord2019representation', {
      title: 'Representation Learning with Contrastive Predictive Coding',
      author: 'Aaron van den Oord and Yazhe Li and Oriol Vinyals',
      year: '2019',
      eprint: '1807.03748',
    }),
  },
  {
    losses: ['MultipleNegativesRankingLoss', 'CachedMultipleNegativesRankingLoss'],
    bibtex: preprint('henderson2017efficient', {
      title: 'Efficient Natural Language Response Suggestion for Smart Reply',
      author:
        'Matthew Henderson and Rami Al-Rfou and Brian Strope and Yun-hsuan Sung and Laszlo Lukacs and Ruiqi Guo and ' +
        'Sanjiv Kumar and Balint Miklos and Ray Kurzweil',
      year: '2017',
      eprint: '1705.00652',
    }),
  },
  {
    losses: ['MultipleNegativesSymmetricRankingLoss', 'CachedMultipleNegativesSymmetricRankingLoss'],
    bibtex: preprint('guenther2023jina', {
      title: 'Jina Embeddings 2: 8192-Token General-Purpose Text Embeddings for Long Documents',
      author:
        'Michael G{\\"u}nther and Jackmin Ong and Isabelle Mohr and Alaeddine Abdessalem and Tanguy Abel and Mohammad Kalim ' +
        'Akram and Susana Guzman and Georgios Mastrapas and Saba Sturua and Bo Wang and Maximilian Werk and Nan Wang and ' +
        'Han Xiao',
      year: '2023',
      eprint: '2310.19923',
    }),
  },
  {
    losses: cachedLosses,
    bibtex: preprint('gao2021scaling', {
      title: 'Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup',
      author: 'Luyu Gao and Yunyi Zhang and Jiawei Han and Jamie Callan',
      year: '2021',
      eprint: '2101.06983',
    }),
  },
  {
    losses: ['GISTEmbedLoss', 'CachedGISTEmbedLoss'],
    bibtex: preprint('solatorio2024gistembed', {
      title: 'GISTEmbed: Guided In-sample Selection of Training Negatives for Text Embedding Fine-tuning',
      author: 'Aivin V. Solatorio',
      year: '2024',
      eprint: '2402.16829',
    }),
  },
  {
    losses: ['MatryoshkaLoss'],
    bibtex: preprint('kusupati2022matryoshka', {
      title: 'Matryoshka Representation Learning',
      author:
        'Aditya Kusupati and Gantavya Bhatt and Aniket Rege and Matthew Wallingford and Aditya Sinha and Vivek Ramanujan ' +
        'and William Howard-Snyder and Kaifeng Chen and Sham Kakade and Prateek Jain and Ali Farhadi',
      year: '2022',
      eprint: '2205.13147',
    }),
  },
  {
    losses: ['CoSENTLoss'],
    bibtex: entry('article', 'huang2024cosent', {
      title: 'CoSENT: Consistent Sentence Embedding via Similarity Ranking',
      author:
        'Xiang Huang and Hao Peng and Dongcheng Zou and Zhiwei Liu and Jianxin Li and Kay Liu and Jia Wu and Jianlin Su ' +
        'and Philip S. Yu',
      journal: 'IEEE/ACM Transactions on Audio, Speech, and Language Processing',
      year: '2024',
      doi: '10.1109/TASLP.2024.3402087',
    }),
  },
  {
    losses: ['AnglELoss'],
    bibtex: entry('inproceedings', 'li2024aoe', {
      title: '{A}o{E}: Angle-optimized Embeddings for Semantic Textual Similarity',
      author: 'Xianming Li and Jing Li',
      booktitle: 'Proceedings of the 62nd Annual Meeting of the Association for Computational Linguistics',
      year: '2024',
      doi: '10.18653/v1/2024.acl-long.101',
    }),
  },
  {
    losses: ['CosineSimilarityLoss'],
    bibtex: entry('inproceedings', 'reimers2019sentencebert', {
      title: 'Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks',
      author: 'Nils Reimers and Iryna Gurevych',
      booktitle: 'Proceedings of the 2019 Conference on Empirical Methods in Natural Language Processing',
      year: '2019',
      url: 'https://arxiv.org/abs/1908.10084',
    }),
  },
  {
    losses: ['ContrastiveLoss', 'OnlineContrastiveLoss'],
    bibtex: entry('inproceedings', 'hadsell2006dimensionality', {
      title: 'Dimensionality Reduction by Learning an Invariant Mapping',
      author: 'Raia Hadsell and Sumit Chopra and Yann LeCun',
      booktitle: 'IEEE Computer Society Conference on Computer Vision and Pattern Recognition',
      year: '2006',
      doi: '10.1109/CVPR.2006.100',
    }),
  },
  {
    losses: tripletLosses,
    bibtex: preprint('hermans2017defense', {
      title: 'In Defense of the Triplet Loss for Person Re-Identification',
      author: 'Alexander Hermans and Lucas Beyer and Bastian Leibe',
      year: '2017',
      eprint: '1703.07737',
    }),
  },
  {
    losses: ['MegaBatchMarginLoss'],
    bibtex: entry('inproceedings', 'wieting2018paranmt', {
      title:
        '{P}ara{NMT}-50{M}: Pushing the Limits of Paraphrastic Sentence Embeddings with Millions of Machine Translations',
      author: 'John Wieting and Kevin Gimpel',
      booktitle: 'Proceedings of the 56th Annual Meeting of the Association for Computational Linguistics',
      year: '2018',
      doi: '10.18653/v1/P18-1042',
    }),
  },
  {
    losses: ['MarginMSELoss'],
    bibtex: preprint('hofstaetter2021improving', {
      title: 'Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge Distillation',
      author:
        'Sebastian Hofst{\\"a}tter and Sophia Althammer and Michael Schr{\\"o}der and Mete Sertkan and Allan Hanbury',
      year: '2021',
      eprint: '2010.02666',
    }),
  },
  {
    losses: ['DistillKLDivLoss'],
    bibtex: preprint('lin2020distilling', {
      title: 'Distilling Dense Representations for Ranking using Tightly-Coupled Teachers',
      author: 'Sheng-Chieh Lin and Jheng-Hong Yang and Jimmy Lin',
      year: '2020',
      eprint: '2010.11386',
    }),
  },
  {
    losses: ['EmbedDistillLoss'],
    bibtex: preprint('kim2023embeddistill', {
      title: 'EmbedDistill: A Geometric Knowledge Distillation for Information Retrieval',
      author:
        'Seungyeon Kim and Ankit Singh Rawat and Manzil Zaheer and Sadeep Jayasumana and Veeranjaneyulu Sadhanala and ' +
        'Wittawat Jitkrittum and Aditya Krishna Menon and Rob Fergus and Sanjiv Kumar',
      year: '2023',
      eprint: '2301.12005',
    }),
  },
  {
    losses: ['MSELoss'],
    bibtex: entry('inproceedings', 'reimers2020multilingual', {
      title: 'Making Monolingual Sentence Embeddings Multilingual using Knowledge Distillation',
      author: 'Nils Reimers and Iryna Gurevych',
      booktitle: 'Proceedings of the 2020 Conference on Empirical Methods in Natural Language Processing',
      year: '2020',
      url: 'https://arxiv.org/abs/2004.09813',
    }),
  },
  {
    losses: ['GlobalOrthogonalRegularizationLoss'],
    bibtex: preprint('zhang2017learning', {
      title: 'Learning Spread-out Local Feature Descriptors',
      author: 'Xu Zhang and Felix X. Yu and Sanjiv Kumar and Shih-Fu Chang',
      year: '2017',
      eprint: '1708.06320',
    }),
  },
];

/** The papers that the losses of these names are due to, each with those of the names. */
export function citationsOf(names: readonly string[]): readonly Citation[] {
  return citations
    .map(({ losses, bibtex }) => ({ losses: losses.filter((loss) => names.includes(loss)), bibtex }))
    .filter(({ losses }) => losses.length > 0);
}

function preprint(key: string, fields: Readonly<Record<string, string>>): string {
  return entry('misc', key, { ...fields, archivePrefix: 'arXiv' });
}

function entry(type: string, key: string, fields: Readonly<Record<string, string>>): string {
  const lines = Object.entries(fields).map(([name, value]) => `    ${name}={${value}}`);
  return `@${type}{${key},\n${lines.join(',\n')}\n}`;
}
