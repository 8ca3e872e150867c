//! Places across the layers.

use super::{Block, GAP, index};

/// Middles of the blocks across the layers: near the means of their neighbours', without overlap, lanes one after the other with
/// `lane_gap` between them.
pub(super) fn place(
    blocks: &[Block],
    links: &[(usize, usize)],
    layers: &[Vec<usize>],
    lane_gap: f64,
) -> Vec<f64> {
    let mut middles = vec![0.0; blocks.len()];
    let mut start = 0.0;
    let lanes = blocks.iter().map(|block| block.lane + 1).max().unwrap_or(0);
    for lane in 0..lanes {
        let own: Vec<Vec<usize>> = layers
            .iter()
            .map(|layer| {
                layer.iter().copied().filter(|at| blocks.get(*at).is_some_and(|b| b.lane == lane)).collect()
            })
            .collect();
        place_lane(blocks, links, &own, &mut middles);
        let ends = |middles: &[f64], side: f64| -> Vec<f64> {
            let of = |at: &usize| Some(middles.get(*at)? + side * blocks.get(*at)?.across / 2.0);
            own.iter().flatten().filter_map(of).collect()
        };
        let top = ends(&middles, -1.0).into_iter().fold(f64::INFINITY, f64::min);
        if !top.is_finite() {
            continue;
        }
        for at in own.iter().flatten() {
            if let Some(middle) = middles.get_mut(*at) {
                *middle += start - top;
            }
        }
        start = ends(&middles, 1.0).into_iter().fold(start, f64::max) + GAP + lane_gap;
    }
    middles
}

fn place_lane(blocks: &[Block], links: &[(usize, usize)], layers: &[Vec<usize>], middles: &mut [f64]) {
    let across = |at: usize| blocks.get(at).map_or(0.0, |block| block.across);
    let lane = layers.iter().flatten().next().and_then(|at| blocks.get(*at)).map(|block| block.lane);
    let is_here = |at: usize| blocks.get(at).map(|block| block.lane) == lane;
    for layer in layers {
        spread(layer, &layer.iter().map(|_| 0.0).collect::<Vec<_>>(), &across, middles);
    }
    let mut neighbours: Vec<Vec<(usize, bool)>> = vec![Vec::new(); blocks.len()];
    for &(from, to) in links {
        for (this, other, is_before) in [(from, to, false), (to, from, true)] {
            if let Some(neighbours) = neighbours.get_mut(this) {
                neighbours.push((other, is_before));
            }
        }
    }
    for round in 0..16 {
        let forth = round % 2 == 0;
        for step in 0..layers.len() {
            let at = if forth { step } else { layers.len() - 1 - step };
            let Some(layer) = layers.get(at) else { continue };
            let wanted: Vec<f64> = layer
                .iter()
                .map(|&block| {
                    // At last both sides count, so that a block stands between its neighbours.
                    let both = round >= 10;
                    let mut sum = 0.0;
                    let mut weight = 0.0;
                    for &(other, is_before) in neighbours.get(block).into_iter().flatten() {
                        if !both && is_before != forth {
                            continue;
                        }
                        if let Some(middle) = middles.get(other).filter(|_| is_here(other)) {
                            // Long edges are straight before others are.
                            let bends = [block, other]
                                .iter()
                                .filter(|at| blocks.get(**at).is_some_and(|b| b.is_bend))
                                .count();
                            let own = 1.0 + 3.0 * index(bends);
                            sum += own * middle;
                            weight += own;
                        }
                    }
                    let present = middles.get(block).copied().unwrap_or(0.0);
                    if weight > 0.0 { sum / weight } else { present }
                })
                .collect();
            spread(layer, &wanted, &across, middles);
        }
    }
}

/// Places a layer's blocks in their order as near as possible to where they are wanted, without overlap: the least squares, by
/// pooling neighbours that push one another.
fn spread(layer: &[usize], wanted: &[f64], across: &impl Fn(usize) -> f64, middles: &mut [f64]) {
    // With the distances taken off, the order is all that has to be kept.
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(layer.len());
    let mut before: Option<usize> = None;
    for &at in layer {
        if let Some(before) = before {
            offset += f64::midpoint(across(before), across(at)) + GAP;
        }
        offsets.push(offset);
        before = Some(at);
    }
    // Pools: sum of what is wanted, and number.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (wanted, offset) in wanted.iter().zip(&offsets) {
        pools.push((wanted - offset, 1));
        while let [.., (sum, count), (last, more)] = pools.as_slice() {
            if sum / index(*count) <= last / index(*more) {
                break;
            }
            let pooled = (sum + last, count + more);
            pools.truncate(pools.len() - 2);
            pools.push(pooled);
        }
    }
    let placed = pools.iter().flat_map(|(sum, count)| std::iter::repeat_n(sum / index(*count), *count));
    for ((at, offset), base) in layer.iter().zip(&offsets).zip(placed) {
        if let Some(middle) = middles.get_mut(*at) {
            *middle = base + offset;
        }
    }
}
