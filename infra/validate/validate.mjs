// Checks CloudFormation templates with AWS's own offline validator: `node validate.mjs [--all] template.yaml ...`.
// It runs the SAM transform and compares the outcome with the schemas of every resource type. What it does not look at
// (SAM's own properties, routes, schedules, policies) is the strict reader's part: infra/local/sam.
// Advice (INFO) is counted; --all shows it. Exit code: 0 nothing but advice, 1 anything worse, 2 it could not run.
import { RegoEngine, TemplateFile } from '@aws/cloudformation-validate';

// What is in our template on purpose: rule and entity, with the reason.
const accepted = new Map([
  ['W2509 AlipaySecretArn', 'the ARN of a secret is not a secret'],
  ['W2509 MarketplaceSecretArn', 'likewise'],
]);

const isAdvice = (finding) => finding.severity === 'INFO' || finding.severity === 'DEBUG';
const nameOf = (finding) => finding.entity?.logicalId ?? '';

function line(file, finding) {
  const where = [nameOf(finding), finding.propertyPath].filter(Boolean).join(' ');
  return `${file}:${finding.startLine ?? '?'}: ${finding.severity} ${finding.ruleId} ${where}: ${finding.message}`;
}

function validate(engine, file, all) {
  const found = engine
    .validateStandard(new TemplateFile(file))
    .diagnostics.filter((finding) => !accepted.has(`${finding.ruleId} ${nameOf(finding)}`));
  const faults = found.filter((finding) => !isAdvice(finding));
  for (const finding of all ? found : faults) console.log(line(file, finding));
  console.log(`${file}: ${faults.length} faults, ${found.length - faults.length} pieces of advice`);
  return faults.length;
}

const args = process.argv.slice(2);
const files = args.filter((arg) => arg !== '--all');
if (files.length === 0) {
  console.error('usage: node validate.mjs [--all] template.yaml ...');
  process.exit(2);
}
const engine = new RegoEngine();
try {
  const faults = files.reduce((sum, file) => sum + validate(engine, file, args.includes('--all')), 0);
  process.exitCode = faults === 0 ? 0 : 1;
} catch (error) {
  console.error(`validate: ${error.message ?? error}`);
  process.exitCode = 2;
} finally {
  engine.free();
}
