import type { Scene } from './scene-rows.js';

/** What the drawn photos of the service's demo show, so that whoever opens one finds what the text says. */
export const DRAWN_SCENES: Readonly<Record<string, Scene>> = {
  used_car: {
    views: ['left', 'right', 'front'],
    vehicle: { kind: 'car', body: 'hatchback', colour: 'blue', doors: 'five' },
    tyres: 'tread_visible',
    not_visible: ['rear', 'roof', 'underbody', 'interior', 'engine_bay'],
    findings: [
      {
        seen: ['front'],
        in_picture: 'right',
        part: 'headlight',
        side: 'left',
        end: 'front',
        type: 'broken',
        severity: 'severe',
      },
      {
        seen: ['front'],
        part: 'windshield',
        type: 'crack',
        severity: 'moderate',
        zone: 'upper_half',
        extent: 'hand',
        through: 'glass',
      },
      {
        seen: ['right'],
        viewpoint: 'right',
        part: 'door',
        side: 'right',
        end: 'front',
        type: 'dent',
        severity: 'moderate',
        zone: 'lower_half',
        extent: 'hand',
      },
      {
        seen: ['left'],
        part: 'door',
        side: 'left',
        end: 'rear',
        type: 'scratch',
        severity: 'minor',
        zone: 'middle',
        extent: 'long',
        through: 'paint',
      },
      {
        seen: ['right'],
        in_picture: 'left',
        part: 'quarter_panel',
        side: 'right',
        end: 'rear',
        type: 'corrosion',
        severity: 'minor',
        zone: 'lower_half',
        count: 'few',
        confidence: 'low',
      },
    ],
  },
  /** Without damage, and in another colour than its listing has. */
  misdescribed_car: {
    views: ['left', 'right', 'front'],
    vehicle: { kind: 'car', body: 'hatchback', colour: 'red', doors: 'five' },
    tyres: 'tread_visible',
    mismatch: ['colour'],
    not_visible: ['rear', 'roof', 'underbody', 'interior', 'engine_bay'],
  },
};
