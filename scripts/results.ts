import { globSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { formatNumber, type Report } from '../bench/report.ts'

/**
 * `node scripts/results.ts`: writes docs/results.md from the committed reports in bench/results, so
 * that no figure stands there that was not measured.
 */
const root = path.join(import.meta.dirname, '..')
const reports = globSync('bench/results/*.json', { cwd: root })
  .sort()
  .map((file) => ({
    file,
    report: JSON.parse(readFileSync(path.join(root, file), 'utf8')) as Report,
  }))

const tableOf = ({ rows }: Report): string => {
  const rivals = [...new Set(rows.flatMap((row) => Object.keys(row.rivals)))]
  const header = ['case', 'n', 'unit', 'ours (5th percentile)', ...rivals]
  const lines = rows.map((row) => [
    row.case,
    row.n.toLocaleString('en-GB'),
    row.unit,
    `**${formatNumber(row.ours.median)}** (${formatNumber(row.ours.p5)})`,
    ...rivals.map((name) => {
      const rival = row.rivals[name]
      const ratio = row.ratio[name]
      return rival && ratio !== undefined
        ? `${formatNumber(rival.median)} · ${formatNumber(ratio)}×`
        : ''
    }),
  ])
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...lines.map(line)].join('\n')
}

const sections = reports.map(({ file, report }) => {
  const { suite, commit, machine, quick = false } = report
  return `## ${suite}

${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, workerd ${machine.workerd}, commit ${commit}; \`npm run bench -- ${suite}${quick ? ' --quick' : ''}\`
([raw](../${file}))

${tableOf(report)}`
})

const page = `# Results

Written by \`node scripts/results.ts\` from the reports in \`bench/results\`. Medians; smaller is better; a rival's column has
its median and how many times ours it is: above 1 ours is faster, below 1 is a loss. Subjects run interleaved in one
run on a shared machine. Where a suite stands more than once, each is a run of its own: their spread is how far a single
ratio can be trusted. This processor's L2 is 512 KiB a core, so 1e5 f64 are past it. A kernel case whose input and
results pass the 64 MiB of the kernels' memory has no row: JSON numbers at 10,000,000, of which a request holds
2,097,152 at most.

${sections.join('\n\n')}
`
writeFileSync(path.join(root, 'docs', 'results.md'), page)
