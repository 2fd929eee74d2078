//! What a store is: every row of this suite holds for every implementation of `Store`.
//!
//! A row is an async function over a [`world::World`]. It is named once, in `rows!`
//! below, and runs once for each store; a store is one implementation of
//! [`world::Factory`]. `alike` then lets chance write the rows, with the store in memory
//! as the judge.

mod alike;
mod care;
mod catalog;
mod feed;
mod passes;
mod records;
mod retention;
mod runs;
mod standing;
mod stores;
mod world;

/// Stories in one run of the tests. Half a second each: sled runs the program `sync`
/// whenever it opens, and a story opens it some five times.
const STORIES: u32 = 32;

/// One `#[test]` for each row, for one store.
macro_rules! tests {
    ($factory:path; $($module:ident { $($row:ident)* })*) => {
        $(mod $module {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $row() {
                let factory = Box::new($factory());
                crate::$module::$row(crate::world::World::new(factory).await).await;
            })*
        })*
    };
}

macro_rules! rows {
    ($($rows:tt)*) => {
        mod memory {
            tests! { crate::stores::Memory::new; $($rows)* }
        }
        mod sled {
            tests! { crate::stores::Sled::new; $($rows)* }
        }
    };
}

rows! {
    records {
        a_save_is_classified_by_what_is_there
        the_keys_order_is_no_change
        ignored_fields_are_no_change
        a_deleted_record_that_comes_back_is_added_and_first_seen_anew
        of_two_with_one_id_in_a_batch_the_later_wins
        a_batch_of_many_is_one_commit
        an_empty_batch_does_nothing
        bodies_come_back_byte_for_byte
        streams_do_not_mix
        two_syncs_share_a_models_stream
        get_answers_in_the_order_of_the_ids
        a_delete_keeps_the_last_content
        a_merge_goes_deep_into_live_records_only
        a_merge_that_changes_nothing_is_unchanged
        what_another_run_changed_since_the_start_is_kept
        counts_add_up_per_run_and_model
    }
    feed {
        sequences_count_the_changes
        a_record_stands_in_the_feed_once
        pages_of_every_size_make_the_same_feed
        every_combination_of_actions_can_be_asked_for
        a_reader_who_waits_sees_only_what_is_new
        the_cursor_of_an_empty_stream_stays_good
        a_cursor_that_does_not_fit_is_stale
        a_page_ends_by_its_bytes_too
    }
    passes {
        nothing_gone_deletes_nothing
        what_was_not_seen_is_deleted
        unchanged_and_merged_records_are_seen
        without_a_pass_nothing_is_deleted
        the_guard_holds_a_large_delete
        the_guard_needs_share_and_number
        a_spoiled_pass_deletes_nothing
        a_spoil_without_a_pass_does_nothing
        a_pass_goes_on_over_an_interrupted_run
        a_run_cut_in_a_page_leaves_a_hole
        a_hole_needs_no_second_opening
        a_fresh_pass_forgets_the_one_before
        a_pass_over_two_good_runs_is_whole
        passes_of_two_models_are_apart
        passes_close_with_a_successful_run_only
        a_held_pass_stands_in_the_report
        the_pass_outlives_a_restart
    }
    runs {
        a_second_run_of_the_same_sync_is_refused
        variants_connections_and_syncs_run_side_by_side
        a_straggler_changes_nothing
        the_row_tells_the_run
        attempts_count_interrupted_executions
        executions_without_progress_are_counted
        executions_before_a_long_wait_are_counted_apart
        runs_are_listed_newest_first
        a_log_is_read_in_order
        a_run_that_a_restart_cut_is_interrupted
    }
    standing {
        the_checkpoint_counts_its_saves
        a_checkpoint_is_kept_whatever_the_outcome
        checkpoints_are_apart
        metadata_is_replaced_or_merged
        metadata_keeps_its_digits
        metadata_that_does_not_fit_is_refused
        a_reset_of_the_checkpoint_keeps_the_records
        a_reset_of_the_records_leaves_no_trace
        a_reset_touches_its_own_sync_only
        a_live_sync_is_not_reset
        all_of_it_outlives_a_restart
    }
    care {
        a_deployment_is_kept_as_it_first_came
        streams_are_listed_by_connection
        verify_finds_no_defect
    }
    retention {
        a_pruned_record_stays_in_its_place_without_its_content
        the_same_content_comes_back_and_is_no_change
        other_content_is_a_change_as_ever
        a_prune_goes_oldest_first_and_says_whether_there_is_more
        a_prune_by_age_takes_what_did_not_change
        a_tombstone_is_pruned_too_and_a_pruned_record_dies_as_one
        a_merge_with_a_pruned_record_is_refused
        a_prune_up_to_a_foreign_cursor_is_refused
        an_erased_connection_has_left_nothing
        a_connection_with_a_live_run_is_not_erased
        a_row_of_the_catalog_goes_with_what_it_owned
        runs_are_forgotten_by_age_and_number
        a_run_that_was_not_told_of_is_not_forgotten
        stored_bytes_are_those_of_the_environment
    }
    catalog {
        rows_are_kept_replaced_and_removed
        a_component_is_kept_by_its_digest
        the_end_of_a_run_is_announced_where_its_environment_is_known
        a_run_that_a_restart_cut_is_announced
        deliveries_move_between_waiting_and_over
        deliveries_are_listed_in_pages_by_environment
        a_removed_environment_takes_its_deliveries_along
            what_is_over_and_old_is_forgotten
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(STORIES))]

    #[test]
    fn sled_tells_the_same_story_as_its_twin(story in alike::story()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (twin, sled) = (Box::new(stores::Memory::new()), Box::new(stores::Sled::new()));
        runtime.block_on(alike::compare(&story, twin, sled));
    }
}
