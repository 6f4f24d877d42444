import type { FindingRow } from '../assessment/vision-rows.js';
import type { DrawnView } from './car-drawing.js';

/** A mark in one view: where it lies in the picture, and its SVG in the coordinates of that view. */
interface Mark {
  readonly in_picture: FindingRow['in_picture'];
  readonly svg: string;
}

/** A damage as it is drawn, and as a row says it: one place for both, so that the findings are what the picture shows. */
export interface DrawnDamage {
  /** By view, the one that shows it best first. */
  readonly marks: Partial<Readonly<Record<DrawnView, Mark>>>;
  readonly row: Omit<FindingRow, 'photos' | 'viewpoint' | 'in_picture' | 'nearness' | 'note'>;
}

const LINES = 'stroke-width="4" fill="none"';

export const SCRATCH: DrawnDamage = {
  marks: {
    left: {
      in_picture: 'middle',
      svg: `<g stroke="#e9e4da" ${LINES}><path d="M536 378 l150 -14 M548 394 l136 -10 M580 410 l90 4"/></g>`,
    },
  },
  row: {
    part: 'door',
    side: 'left',
    end: 'front',
    type: 'scratch',
    severity: 'moderate',
    zone: 'middle',
    extent: 'long',
    count: 'few',
    through: 'paint',
    confidence: 'high',
  },
};

export const RUST: DrawnDamage = {
  marks: {
    left: {
      in_picture: 'right',
      svg: '<g fill="#8a4b1d"><circle cx="176" cy="408" r="18"/><circle cx="202" cy="396" r="11"/><circle cx="158" cy="424" r="10"/></g>',
    },
  },
  row: {
    part: 'quarter_panel',
    side: 'left',
    end: 'rear',
    type: 'corrosion',
    severity: 'minor',
    zone: 'lower_half',
    extent: 'hand',
    count: 'few',
    through: 'none',
    confidence: 'high',
  },
};

export const LAMP: DrawnDamage = {
  marks: {
    front: {
      in_picture: 'right',
      svg: `<g stroke="#111" ${LINES}><path d="M628 360 l24 20 -14 14 30 10 M664 358 l-8 22 30 18 M690 362 l-16 24"/></g>`,
    },
    left: {
      in_picture: 'left',
      svg: '<g stroke="#111" stroke-width="3" fill="none"><path d="M834 356 l18 12 -10 14 20 8 M866 354 l-8 18 14 14"/></g>',
    },
  },
  row: {
    part: 'headlight',
    side: 'left',
    end: 'front',
    type: 'broken',
    severity: 'severe',
    zone: 'unknown',
    extent: 'whole_part',
    count: 'one',
    through: 'none',
    confidence: 'high',
  },
};

export const SCUFF: DrawnDamage = {
  marks: {
    rear: {
      in_picture: 'right',
      svg: '<g stroke="#dcd8cf" stroke-width="6" opacity="0.85"><path d="M620 452 l98 -6 M634 466 l86 -4 M612 480 l96 -2"/></g>',
    },
  },
  row: {
    part: 'bumper',
    side: 'right',
    end: 'rear',
    type: 'scuff',
    severity: 'minor',
    zone: 'corner',
    extent: 'hand',
    count: 'one',
    through: 'none',
    confidence: 'high',
  },
};

export const DENT: DrawnDamage = {
  marks: { right: { in_picture: 'middle', svg: dent(424, 392, 66, 36) } },
  row: {
    part: 'door',
    side: 'right',
    end: 'rear',
    type: 'dent',
    severity: 'moderate',
    zone: 'middle',
    extent: 'hand',
    count: 'one',
    through: 'none',
    confidence: 'high',
  },
};

export const CRACK: DrawnDamage = {
  marks: {
    front: {
      in_picture: 'middle',
      svg: '<g stroke="#fdfdfd" stroke-width="3" fill="none"><path d="M432 232 l-60 -22 M432 232 l-30 44 M432 232 l74 26 54 -8 M432 232 l44 -34 M432 232 l-4 46"/></g>',
    },
  },
  row: {
    part: 'windshield',
    side: 'center',
    end: 'front',
    type: 'crack',
    severity: 'severe',
    zone: 'middle',
    extent: 'long',
    count: 'one',
    through: 'glass',
    confidence: 'high',
  },
};

export const FENDER_DENT: DrawnDamage = {
  marks: { right: { in_picture: 'right', svg: dent(778, 366, 40, 20) } },
  row: {
    part: 'fender',
    side: 'right',
    end: 'front',
    type: 'dent',
    severity: 'minor',
    zone: 'upper_half',
    extent: 'hand',
    count: 'one',
    through: 'none',
    confidence: 'high',
  },
};

export const BUMPER_CRACK: DrawnDamage = {
  marks: {
    front: {
      in_picture: 'left',
      svg: `<g stroke="#101214" ${LINES}><path d="M262 434 l18 20 -10 16 22 24 M280 454 l26 6"/></g>`,
    },
  },
  row: {
    part: 'bumper',
    side: 'right',
    end: 'front',
    type: 'crack',
    severity: 'moderate',
    zone: 'corner',
    extent: 'hand',
    count: 'one',
    through: 'none',
    confidence: 'high',
  },
};

export const TAILGATE_DENT: DrawnDamage = {
  marks: { rear: { in_picture: 'middle', svg: dent(480, 350, 58, 26) } },
  row: {
    part: 'tailgate',
    side: 'center',
    end: 'rear',
    type: 'dent',
    severity: 'minor',
    zone: 'middle',
    extent: 'hand',
    count: 'one',
    through: 'none',
    confidence: 'high',
  },
};

export const TAIL_LIGHT: DrawnDamage = {
  marks: {
    rear: {
      in_picture: 'right',
      svg: `<g stroke="#fbe9e7" ${LINES}><path d="M640 362 l28 14 -8 16 34 6 M676 350 l-10 26 44 8"/></g>`,
    },
  },
  row: {
    part: 'tail_light',
    side: 'right',
    end: 'rear',
    type: 'crack',
    severity: 'moderate',
    zone: 'whole',
    extent: 'whole_part',
    count: 'few',
    through: 'none',
    confidence: 'high',
  },
};

export const RIM_SCRAPES: DrawnDamage = {
  marks: {
    left: {
      in_picture: 'right',
      svg: `<g stroke="#4a4f55" stroke-width="6" fill="none"><path d="M212 446 a38 38 0 0 1 20 -20 M214 480 a38 38 0 0 0 24 18 M270 490 a38 38 0 0 0 12 -18"/></g>`,
    },
  },
  row: {
    part: 'rim',
    side: 'left',
    end: 'rear',
    type: 'curb_rash',
    severity: 'minor',
    zone: 'edge',
    extent: 'long',
    count: 'few',
    through: 'none',
    confidence: 'high',
  },
};

export const MIRROR: DrawnDamage = {
  marks: {
    right: {
      in_picture: 'right',
      svg: '<g stroke="#f6f4ee" stroke-width="3" fill="none"><path d="M694 318 l10 -12 6 8 10 -14 M700 304 l14 16"/></g>',
    },
  },
  row: {
    part: 'mirror',
    side: 'right',
    end: 'front',
    type: 'broken',
    severity: 'moderate',
    zone: 'unknown',
    extent: 'whole_part',
    count: 'one',
    through: 'none',
    confidence: 'high',
  },
};

/** Drawn so faintly that nobody could be sure of it. */
export const FAINT_RUST: DrawnDamage = {
  marks: {
    right: {
      in_picture: 'middle',
      svg: '<g fill="#8a4b1d" opacity="0.4"><ellipse cx="496" cy="444" rx="24" ry="6"/><ellipse cx="540" cy="446" rx="12" ry="4"/></g>',
    },
  },
  row: {
    part: 'rocker',
    side: 'right',
    end: 'n/a',
    type: 'corrosion',
    severity: 'minor',
    zone: 'middle',
    extent: 'hand',
    count: 'few',
    through: 'none',
    confidence: 'low',
  },
};

function dent(x: number, y: number, width: number, height: number): string {
  return `<ellipse cx="${x}" cy="${y}" rx="${width}" ry="${height}" fill="#000" opacity="0.35"/><ellipse cx="${x - 12}" cy="${y - 10}" rx="${Math.round(width * 0.64)}" ry="${Math.round(height * 0.53)}" fill="#fff" opacity="0.25"/>`;
}
