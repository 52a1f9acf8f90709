import type { GoldenPrediction } from '../../src/routing/artifact-format.ts'

type GoldenRequest = Omit<GoldenPrediction, 'probabilities' | 'difficulty' | 'cluster'>

const plain = (text: string): GoldenRequest => ({
  text,
  systemBytes: 0,
  turns: 1,
  messages: 1,
  tools: 0,
  images: 0,
  responseFormat: 'text',
  maxOutputTokens: null,
})

/** Requests whose predictions go with the artifact: every kind of text, and every feature. */
export const GOLDEN_REQUESTS: readonly GoldenRequest[] = [
  plain(''),
  plain('What is the capital of Norway?'),
  plain(
    'Prove that the square root of 2 is irrational, and say where the proof uses that 2 is prime.',
  ),
  plain('Solve \\frac{x^2 - 1}{x + 1} = 3 for x, where x ≠ −1. ∑ and ∫ are not needed: 3 + 1 = 4.'),
  plain(
    '```ts\nexport const f = (x: number) => {\n  return x <= 1 ? 1 : x * f(x - 1);\n}\n```\nWhy is it slow?',
  ),
  plain('机器学习模型在边缘计算中有什么优势？'),
  plain('Сколько будет дважды два? Объясните, почему.'),
  plain('ما هي عاصمة النرويج؟ ποια είναι η πρωτεύουσα; 🎉'),
  plain('a'.repeat(5_000)),
  plain(
    'A landlord lets a shop for five years. The tenant covenants to repair, and leaves after two years ' +
      'with the roof open. The landlord sells the shop to a buyer who knew of the roof. Against whom, if ' +
      'anyone, has the buyer a claim, and on what ground? A. The tenant B. The landlord C. Both D. No one',
  ),
  {
    ...plain('You answer in JSON.\nWhich of these two invoices is the larger one?'),
    systemBytes: 20,
    turns: 3,
    messages: 7,
    tools: 2,
    images: 1,
    responseFormat: 'json-schema',
    maxOutputTokens: 800,
  },
]
