//! Window: go through years month by month, then on to what is new. For histories too
//! large for one run, of a provider that can filter by date.

use tidegate_sdk::prelude::*;

/// A commit of the repository.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Commit {
    id: String,
    author: String,
    date: Timestamp,
    message: String,
}
impl Model for Commit {}

/// What the app sets for each connection. The progress stands beside it, as `window`.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Settings {
    owner: String,
    repo: String,
    /// The first day that is wanted.
    from: Date,
}

/// Every commit before this date is saved.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Since {
    date: Timestamp,
}

fn commits() -> DataSync {
    DataSync::new("commits", "1.0.0", run)
        .description("The history of a repository, and then its new commits.")
        .model::<Commit>()
        .every("hour")
}

fn run(run: &Run<Since, Settings>) -> Result<()> {
    let Settings { owner, repo, from } = run.metadata()?;
    let commits = run
        .get(format!("/repos/{owner}/{repo}/commits"))
        .query("per_page", 100);

    // The date of the newest commit that is saved.
    let mut newest = run.checkpoint()?.map(|checkpoint| checkpoint.date);

    // Each month is recorded once it is complete: a run that is killed goes on with the
    // month it was in, and once all are complete this answers at once.
    let end = run.backfill(from, run.today(), Every::Months(1), |month| {
        // GitHub's `until` is inclusive, the end of a window is not.
        let month_only = commits
            .clone()
            .query("since", month.since())
            .query("until", month.last_second());
        newest = newest.max(save(run, month_only)?);
        Ok(Since {
            date: newest.unwrap_or(month.since()),
        })
    })?;

    // From then on, what is new. The newest come first here, so the checkpoint moves only
    // when the last page is saved: sooner, and a broken run would leave the older ones out.
    let since = newest.unwrap_or(end);
    if let Some(date) = save(run, commits.query("since", since))? {
        run.save_checkpoint(&Since { date })?;
    }
    Ok(())
}

/// Saves what `request` lists, page by page; answers the newest date.
fn save(run: &Run<Since, Settings>, request: Request) -> Result<Option<Timestamp>> {
    let mut newest = None;
    for page in request.paginate::<Listed>(Paging::link()) {
        let commits: Vec<Commit> = page?.into_iter().map(Commit::from).collect();
        newest = newest.max(commits.iter().map(|commit| commit.date).max());
        info!("saved a page: {}", run.save(commits)?);
    }
    Ok(newest)
}

// ---- a commit as GitHub lists it: of its many fields, those that are wanted -------------

#[derive(Deserialize)]
struct Listed {
    sha: String,
    commit: Details,
}

#[derive(Deserialize)]
struct Details {
    author: Person,
    committer: Person,
    message: String,
}

#[derive(Deserialize)]
struct Person {
    name: String,
    date: Timestamp,
}

impl From<Listed> for Commit {
    fn from(Listed { sha, commit }: Listed) -> Self {
        // The committer's date is the one that GitHub filters by.
        Commit {
            id: sha,
            author: commit.author.name,
            date: commit.committer.date,
            message: commit.message,
        }
    }
}

tidegate_sdk::export!(commits);

#[cfg(test)]
mod tests;
