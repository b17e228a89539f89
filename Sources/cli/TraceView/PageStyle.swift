/// The style of the page: light or dark according to the reader's system, for phones, wide screens and paper.
///
/// Blue, orange and vermilion are those of Okabe and Ito, which readers with red–green colour blindness can
/// distinguish. A sign and a word accompany every colour.
enum PageStyle {
    static let sheet: StaticString = """

        :root {
          color-scheme: light dark;
          --page: #f6f6f4; --card: #ffffff; --ink: #1b2026; --muted: #59626c; --line: #d8dcdf; --track: #e4e7ea;
          --good: #005a96; --doubtful: #8a5600; --bad: #a83c00; --gone: #59626c; --neutral: #59626c;
          --good-fill: #0072b2; --doubtful-fill: #e69f00; --bad-fill: #d55e00; --tick: #1b2026;
          --question-fill: #8d979f; --standing-fill: #0072b2; --aside-fill: #e69f00; --again-fill: #f0d264;
          --evaluation-fill: #b5578c; --answer-fill: #009e73; --other-fill: #c4cacf;
          --banner: #fff3d6; --code: #f0f1f2;
        }
        @media screen and (prefers-color-scheme: dark) {
          :root {
            --page: #14171a; --card: #1d2125; --ink: #e6e9ec; --muted: #9da7b0; --line: #343a40; --track: #343a40;
            --good: #6cbcf0; --doubtful: #f0b440; --bad: #ff9466; --gone: #9da7b0; --neutral: #9da7b0;
            --good-fill: #3d9bdb; --tick: #e6e9ec;
            --question-fill: #78838c; --standing-fill: #3d9bdb; --again-fill: #c9b04a; --other-fill: #4a525a;
            --banner: #3a2f12; --code: #262b30;
          }
        }
        * { box-sizing: border-box; }
        body { margin: 0; overflow-wrap: anywhere; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
        main { max-width: 76rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
        h1, h2, p, dl, dd, figure, blockquote, ol, ul { margin: 0; padding: 0; }
        ol { list-style: none; }
        h1 { font-size: 1.5rem; line-height: 1.3; font-weight: 600; white-space: pre-wrap; }
        h1.long { font-size: 1.05rem; font-weight: 400; line-height: 1.5; }
        h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem; }
        a { color: inherit; text-decoration-color: var(--muted); text-underline-offset: .15em; }
        .eyebrow { font-size: .8rem; font-weight: 600; color: var(--muted); margin: 0 0 .35rem; }
        .note, figcaption { font-size: .85rem; color: var(--muted); }
        .banner { background: var(--banner); padding: .5rem .75rem; border-radius: .4rem; margin-top: .6rem; font-size: .9rem; }
        .value, .amount, .number, .chip, dd { font-variant-numeric: tabular-nums; }
        :focus-visible { outline: 2px solid var(--good); outline-offset: 2px; border-radius: .2rem; }
        :target { outline: 2px solid var(--good-fill); outline-offset: 2px; scroll-margin-top: 1rem; }

        summary { cursor: pointer; color: var(--muted); font-size: .85rem; padding: .2rem 0; }
        summary:hover { color: var(--ink); }
        .chip { display: inline-block; padding: 0 .4rem; border: 1px solid var(--line); border-radius: 1rem;
          font-size: .75rem; line-height: 1.5; white-space: nowrap; }
        .chip.good, .status.good { color: var(--good); }
        .chip.doubtful, .status.doubtful { color: var(--doubtful); }
        .chip.bad, .status.bad { color: var(--bad); }

        .intro > * { min-width: 0; }
        .outcome { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.1rem;
          margin-top: 1.25rem; }
        .outcome h2 { margin-top: 0; }
        .result { font-size: 1.6rem; font-weight: 650; line-height: 1.25; white-space: pre-wrap; }
        .result.long { font-size: 1.05rem; font-weight: 600; line-height: 1.5; }
        .facts { list-style: none; }
        .facts li { padding: .15rem 0; max-width: 40rem; }
        .pictures { display: flex; flex-wrap: wrap; gap: 1rem; margin-top: 1rem; }
        .pictures figure { max-width: 100%; }
        .pictures img { display: block; max-width: 100%; max-height: 22rem; border-radius: .3rem; background: #fff; }
        .pictures > .note { flex-basis: 100%; }

        svg.bar { width: 6.5rem; height: .5rem; background: var(--track); border-radius: .25rem; vertical-align: middle; }
        .score { display: inline-flex; align-items: center; gap: .5rem; font-size: .85rem; }
        .value { font-weight: 600; }
        .fill.good { fill: var(--good-fill); } .fill.doubtful { fill: var(--doubtful-fill); }
        .fill.bad { fill: var(--bad-fill); } .fill.plain { fill: var(--muted); } .tick { fill: var(--tick); opacity: .55; }

        .glance > * + * { margin-top: .75rem; }
        .strip figcaption { margin-top: .35rem; max-width: 34rem; }
        .columns { display: flex; flex-wrap: wrap; row-gap: .5rem; }
        .columns a { display: block; width: 2.1rem; text-align: center; text-decoration: none; font-size: .75rem; }
        .columns svg { display: block; width: 100%; height: 3.5rem; background: var(--track); }
        .columns .number, .columns .tries { display: block; line-height: 1.4; }
        .columns .number { font-weight: 600; }
        .columns .tries { color: var(--muted); }

        .place { position: relative; padding-bottom: .9rem; }
        .trunk { margin-top: 1rem; }
        .trunk > .place { padding-left: 2.75rem; }
        .trunk > .place::before { content: ""; position: absolute; left: 1rem; top: 0; bottom: 0; width: 2px;
          background: var(--line); }
        .trunk > .place:last-child::before { bottom: auto; height: 2rem; }
        .card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; min-width: 0; }
        .head { display: flex; flex-wrap: wrap; align-items: center; gap: .15rem .6rem; font-size: .85rem; color: var(--muted); }
        .head .number { font-weight: 600; }
        .head .score { margin-left: auto; }
        .mark { display: inline-block; min-width: 1em; text-align: center; font-weight: 700; }
        .text { white-space: pre-wrap; overflow-wrap: anywhere; margin-top: .2rem; }
        .stands { border-left-width: 4px; border-left-color: var(--muted); }
        .stands.good { border-left-color: var(--good-fill); }
        .stands.doubtful { border-left-color: var(--doubtful-fill); }
        .stands.step > .text { font-size: 1.05rem; }
        .trunk > .place > .step > .head .number { position: absolute; left: 0; top: .5rem; width: 2.1rem; height: 2.1rem;
          line-height: 2.1rem; text-align: center; border-radius: 50%; background: var(--ink); color: var(--page); }
        .card:not(.stands) { background: none; border-style: dashed; }
        .card:not(.stands) > .text, .card.evaluation > .text { color: var(--muted); }
        .card.evaluation { background: none; border-style: dotted; font-size: .9rem; }
        .card > .note { margin-top: .3rem; }
        .reflection { border-left: 3px solid var(--evaluation-fill); padding-left: .7rem; margin-top: .5rem; font-size: .9rem; }

        .others > summary { padding: .45rem 0; }
        .others > summary .count { color: var(--ink); }
        .branches > li { margin-top: .5rem; font-size: .93rem; }
        .continuation { margin: .2rem 0 0 .8rem; }
        .continuation > .line { border-left: 2px solid var(--line); padding-left: .8rem; margin-top: .3rem; }
        .continuation .place { padding-bottom: .5rem; }
        .continuation svg.bar { width: 4rem; }

        .numbers { margin-top: .3rem; }
        dl { font-size: .8rem; }
        dl > div { display: grid; grid-template-columns: min(42%, 12rem) minmax(0, 1fr); gap: .75rem; padding: .12rem 0;
          border-bottom: 1px solid var(--line); }
        dt { color: var(--muted); }
        dd { white-space: pre-wrap; }
        pre { background: var(--code); border-radius: .35rem; padding: .6rem .75rem; margin: .3rem 0; font: .8rem/1.5 ui-monospace,
          monospace; white-space: pre-wrap; }
        .tokens { max-height: 12rem; overflow: auto; }

        table { width: 100%; border-collapse: collapse; font-size: .85rem; margin-top: .5rem; }
        th, td { text-align: left; font-weight: 400; padding: .3rem .4rem .3rem 0; border-bottom: 1px solid var(--line);
          }
        thead th { font-weight: 600; }
        .proposals { table-layout: fixed; }
        .proposals th:nth-child(2) { width: 5.5rem; }
        .share { width: 8.5rem; white-space: nowrap; }
        .share svg.bar { width: 5.5rem; }
        th.amount, td.amount { text-align: right; white-space: nowrap; width: 5.5rem; padding-right: 0; }
        .costs svg.bar { width: 100%; height: 1.1rem; }
        .swatch { display: inline-block; width: .7rem; height: .7rem; border-radius: .15rem; margin-right: .5rem; }
        .fill.question { fill: var(--question-fill); } .swatch.question { background: var(--question-fill); }
        .fill.standing { fill: var(--standing-fill); } .swatch.standing { background: var(--standing-fill); }
        .fill.aside { fill: var(--aside-fill); } .swatch.aside { background: var(--aside-fill); }
        .fill.again { fill: var(--again-fill); } .swatch.again { background: var(--again-fill); }
        .fill.evaluation { fill: var(--evaluation-fill); } .swatch.evaluation { background: var(--evaluation-fill); }
        .fill.answer { fill: var(--answer-fill); } .swatch.answer { background: var(--answer-fill); }
        .fill.other { fill: var(--other-fill); } .swatch.other { background: var(--other-fill); }
        .costs .fill { stroke: var(--page); stroke-width: 1; vector-effect: non-scaling-stroke; }
        .costs > div + div { margin-top: 1.5rem; }
        .panel { border: 1px solid var(--line); border-radius: .5rem; background: var(--card); padding: .3rem .8rem;
          margin-top: .5rem; }
        .panel > summary { font-size: .95rem; color: var(--ink); }
        .prompt { margin-left: .8rem; }

        @media (min-width: 60rem) {
          main { padding: 2.5rem 2rem 5rem; }
          .intro { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 26rem); gap: 2.5rem; align-items: start; }
          .outcome { margin-top: 0; }
          .trunk > .place { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 26rem); gap: 0 2.5rem;
            align-items: start; }
          .trunk > .place > .others { grid-column: 2; position: relative; }
          .trunk > .place > .card + .others::before { content: ""; position: absolute; left: -2.5rem; width: 2.1rem; top: 1.15rem;
            border-top: 2px dotted var(--line); }
          .trunk > .nothing > .others { grid-column: 1 / -1; }
          .glance { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 26rem); gap: 2.5rem; align-items: start; }
          .glance > * + * { margin-top: 0; }
          .costs { display: grid; grid-template-columns: 1fr 1fr; gap: 2.5rem; align-items: start; }
          .costs > div + div { margin-top: 0; }
        }
        @media print {
          :root { color-scheme: light; --page: #fff; --card: #fff; }
          body { font-size: 10pt; }
          main { max-width: none; padding: 0; }
          svg, .swatch, .trunk .number, .place::before { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
          .banner { border: 1px solid var(--muted); }
          .card, .outcome, .panel:not([open]), figure, tr { break-inside: avoid; }
          h2 { break-after: avoid; }
          .tokens { max-height: none; }
        }

        """
}
